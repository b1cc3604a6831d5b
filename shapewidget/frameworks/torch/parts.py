"""A container that has no forward, such as `nn.ModuleDict`, with an input for each of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from shapewidget.frameworks.torch.signature import has_forward


class Parts(nn.Module):
    """Calls every part of a container that an input is given for.

    Args:
        container: Its modules are shared, not copied.
    """

    def __init__(self, container: nn.Module) -> None:
        """Take the parts under their own names."""
        super().__init__()
        self._modules.update(container._modules)
        self.training = container.training

    def forward(self, **inputs: Any) -> dict[str, Any]:
        """The outputs of the parts by their names; a tuple is several arguments, a dict keywords."""
        return {name: self._called(name, value) for name, value in inputs.items()}

    def _called(self, name: str, value: Any) -> Any:
        part: Any = self._modules[name]
        if isinstance(value, Mapping):
            return part(**value)
        return part(*value) if type(value) is tuple else part(value)


def with_forward(model: nn.Module, inputs: Any) -> nn.Module:
    """What can be called with the inputs: the model, or its parts where the inputs are a dict by their names."""
    if has_forward(model) or not isinstance(inputs, Mapping) or not inputs or not set(inputs) <= set(model._modules):
        return model
    return Parts(model)
