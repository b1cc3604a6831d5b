"""Lines of the user's code as a model, so that they can be recorded, and mended on a copy."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from shapewidget.frameworks.source.replay import Replay


class Program(nn.Module):
    """A replay whose inputs are the tensors that it reads, and whose parts are the models.

    Args:
        replay: The lines; it has no free names.
        models: The models that they read, by name.
    """

    def __init__(self, replay: Replay, models: Mapping[str, nn.Module]) -> None:
        """Name the parts as the user does."""
        super().__init__()
        self.replay = replay
        self._paths: dict[str, str] = {}
        for name, model in models.items():
            self._paths[name] = f"{name}_" if hasattr(self, name) else name  # "half" is a method of every module
            self.add_module(self._paths[name], model)

    @classmethod
    def of(cls, replay: Replay) -> tuple[Program, dict[str, torch.Tensor]]:
        """The lines as a model, and what it is called with."""
        models = {name: value for name, value in replay.names.items() if isinstance(value, nn.Module)}
        tensors = {name: value for name, value in replay.names.items() if isinstance(value, torch.Tensor)}
        others = {name: value for name, value in replay.names.items() if name not in {*models, *tensors}}
        return cls(replace(replay, names=others), models), tensors

    def forward(self, **tensors: torch.Tensor) -> Any:
        """Run the lines with these tensors."""
        return self.replay.run({**tensors, **self._models()})

    def _models(self) -> dict[str, nn.Module]:
        """The models by the names that the lines have for them, one of them perhaps by several."""
        return {name: self.get_submodule(path) for name, path in self._paths.items()}

    def knowing(self, names: Mapping[str, object]) -> Program:
        """The lines with more names in their scope, which an edit of them may read."""
        return Program(replace(self.replay, names={**names, **self.replay.names}), self._models())

    def with_replay(self, replay: Replay) -> Program:
        """A copy that runs other lines."""
        made = copy.deepcopy(self)
        made.replay = replay
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Program:
        """Copy the models; the values of the lines are only read."""
        return Program(self.replay, {name: copy.deepcopy(model, memo) for name, model in self._models().items()})
