"""What every layer of a model costs: the bytes that it keeps for the backward pass, the seconds of its forward pass.

Layers are watched by hooks on all modules at once: hooks on instances would switch off fast paths.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from shapewidget.graph.costs import LayerCost


class LayerWatch:
    """Notes which layers of a model are running, and for how long.

    Args:
        model: The model; other modules are not noted.
        device: Where it computes; a GPU is waited for at the borders of layers, so that time is told apart.
    """

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self._paths = {module: path or type(module).__name__ for path, module in model.named_modules()}
        self._wait = functools.partial(torch.cuda.synchronize, device) if device.type == "cuda" else _nothing
        self._running: list[tuple[str, float]] = []
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)
        self._kept: Counter[str] = Counter()

    def keep(self, nbytes: int) -> None:
        """Put bytes that are kept for the backward pass down to the layers that are running."""
        self._kept.update({id_: nbytes for id_, _ in self._running})

    @property
    def has_seen(self) -> bool:
        """Whether any layer of the model ran while it watched."""
        return bool(self._seconds)

    def costs(self) -> Mapping[str, LayerCost]:
        """Every layer that ran, by its id in the graph: its path, with "#2" for a second call."""
        return {id_: LayerCost(self._kept[id_], statistics.median(seconds)) for id_, seconds in self._seconds.items()}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note what runs in the block; one forward pass a block, as calls are counted."""
        calls: Counter[str] = Counter()

        def enter(module: nn.Module, _: Any) -> None:
            path = self._paths.get(module)
            if path is not None:
                calls[path] += 1
                self._wait()
                self._running.append((path if calls[path] == 1 else f"{path}#{calls[path]}", time.perf_counter()))

        def leave(module: nn.Module, _: Any, __: Any) -> None:
            if module in self._paths and self._running:
                self._wait()
                id_, started = self._running.pop()
                self._seconds[id_].append(time.perf_counter() - started)

        hooks = [register_module_forward_pre_hook(enter), register_module_forward_hook(leave, always_call=True)]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
            self._running.clear()


def _nothing() -> None:
    """The CPU has finished when the call returns."""
