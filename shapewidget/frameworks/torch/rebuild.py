"""Build a model again from its recipe: as a rehearsal without memory, or for real, in the likeness of the original."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from shapewidget.errors import RebuildError
from shapewidget.frameworks.hidden import hidden_argument
from shapewidget.frameworks.source.arithmetic import is_size
from shapewidget.frameworks.time_limit import limited
from shapewidget.frameworks.torch import capacity
from shapewidget.frameworks.torch.likeness import Setting, apply_settings, liken, shapes, tensors
from shapewidget.frameworks.torch.recovery import Recipe
from shapewidget.frameworks.torch.rehearsal import Numberless, Repeating, undisturbed
from shapewidget.frameworks.torch.training import in_words

_ADVICE_SECONDS = 0.5
_WIDTHS_SECONDS = 2.0
_REHEARSAL_SECONDS = 20.0
"""Processor time to say which sizes are accepted and to find out which arguments are sizes; time to rehearse once."""

_FARTHEST = 128
_LARGE_BYTES = 256 * 2**20


@dataclass(frozen=True)
class TorchConstructor:
    """See `shapewidget.frameworks.adapter.Constructor`.

    Attributes:
        model: The user's model, which only serves as the pattern.
        recipe: What made it.
        carried: Plain attributes that the constructor alone does not reproduce, such as a dropout set afterwards.
    """

    model: nn.Module
    recipe: Recipe
    carried: tuple[Setting, ...] = ()

    @property
    def arguments(self) -> Mapping[str, object]:
        """The constructor's arguments, and the fields of a configuration among them."""
        return self.recipe.arguments

    @property
    def origin(self) -> str:
        """How they were found, in words."""
        return self.recipe.origin

    def size_arguments(self) -> Mapping[str, int]:
        """The arguments that are sizes: whole numbers which change shapes of weights but not their names."""
        return {name: size for name, size in self._whole_numbers.items() if name in self._widths}

    def hidden_argument(self) -> str | None:
        """The size argument that is the model's hidden size; None where that is not clear."""
        return hidden_argument(self._widths, _width(self.model))

    def rehearsed(self, changes: Mapping[str, object]) -> nn.Module:
        """The model with some arguments changed, its weights shapes without numbers.

        Raises:
            RebuildError: The class refused the arguments.
        """
        try:
            return self._rehearsed(changes)
        except Exception as error:
            raise self._refusal(changes, error) from error

    def build(self, **changes: object) -> nn.Module:
        """The model with some arguments changed, on the user's device and in its mode; its weights are new.

        Raises:
            RebuildError: The class refused the arguments; says which and why.
            MemoryError: The host has no room for the weights. (For a GPU's memory, torch raises its own error.)
        """
        unknown = [name for name in changes if name not in self.arguments]
        if unknown:
            known = ", ".join(self.arguments)
            raise RebuildError(f"{self.recipe.name} has no argument {unknown[0]!r}; expected one of {known}.")
        rehearsed = self.rehearsed(changes)
        self._require_sizes(changes)
        made = self._made_in_place(changes, _nbytes(rehearsed))
        apply_settings(made, self.carried)
        liken(made, self.model, weights=False)
        return made

    def _made_in_place(self, changes: Mapping[str, object], nbytes: int) -> nn.Module:
        """On the model's device; where the constructor can't run there, as if it needs NumPy, on the CPU."""
        device = next((weight.device for weight in self.model.parameters()), torch.device("cpu"))
        if device.type != "cpu":
            try:
                return self._made(changes, device)
            except Exception as error:
                if capacity.is_out_of_memory(error):
                    raise
        capacity.require(nbytes, call_text(self.recipe.name, changes))
        with Repeating():  # type: ignore[no-untyped-call]
            return self._made(changes, torch.device("cpu")).to(device)

    def _made(self, changes: Mapping[str, object], device: torch.device) -> nn.Module:
        with undisturbed(), device:
            return self.recipe.made(changes)

    def _rehearsed(self, changes: Mapping[str, object]) -> nn.Module:
        """On the CPU, which maps memory only when it is written to, so that weights without numbers are nearly free.

        On `meta` they are entirely so; but a constructor that computes there loads half of torch the first time, and
        one that looks at values fails. So only what is large is rehearsed there.
        """
        meta, cpu = torch.device("meta"), torch.device("cpu")
        with undisturbed(), Numberless(), limited(_REHEARSAL_SECONDS):
            if _nbytes(self.model) > _LARGE_BYTES:
                with contextlib.suppress(Exception):
                    return self._made(changes, meta)
            try:
                return self._made(changes, cpu)
            except Exception as error:
                if not capacity.is_out_of_memory(error):
                    raise
                return self._made(changes, meta)

    @cached_property
    def _whole_numbers(self) -> dict[str, int]:
        return {name: value for name, value in self.arguments.items() if isinstance(value, int) and is_size(value)}

    @cached_property
    def _widths(self) -> dict[str, int | None]:
        """Of every argument that is a size, the width of the first recurrent or attention layer if it is larger."""
        before, widths = shapes(self.model), {}
        deadline = time.thread_time() + _WIDTHS_SECONDS
        for name, size in self._whole_numbers.items():
            if time.thread_time() > deadline:
                break
            made = self._enlarged(name, size) if size > 1 else None
            after = shapes(made) if made is not None else before
            if made is not None and after != before and after.keys() == before.keys():
                widths[name] = _width(made)
        return widths

    def _enlarged(self, name: str, size: int) -> nn.Module | None:
        """Twice the size keeps what divided it; where that is refused, one more may do."""
        for larger in (2 * size, size + 1):
            with contextlib.suppress(Exception):
                return self._rehearsed({name: larger})
        return None

    def _require_sizes(self, changes: Mapping[str, object]) -> None:
        for name, value in changes.items():
            if name in self._widths and not (isinstance(value, int) and is_size(value) and value >= 1):
                raise RebuildError(
                    f"{name} = {value!r} is no size; it was {self._whole_numbers[name]}. "
                    "Choose a whole number of at least 1."
                )

    def _refusal(self, changes: Mapping[str, object], error: Exception) -> RebuildError:
        call = call_text(self.recipe.name, changes or self.arguments)
        was = ", ".join(f"{name} was {self.arguments[name]!r}" for name in changes if name in self.arguments)
        advice = f"; {was}. {self._advice(changes)}" if was else ""
        return RebuildError(f"{call} raised {in_words(error)}{advice}")

    def _advice(self, changes: Mapping[str, object]) -> str:
        """What to choose instead: the nearest sizes that are accepted."""
        name, value = next(iter(changes.items()))
        if len(changes) == 1 and isinstance(value, int) and is_size(value):
            deadline = time.thread_time() + _ADVICE_SECONDS
            near = [next(self._accepted(name, sizes, deadline), None) for sizes in _around(value)]
            if any(near):
                return f"Choose {' or '.join(str(size) for size in near if size is not None)}."
        return "Choose a whole number that it accepts."

    def _accepted(self, name: str, sizes: Iterable[int], deadline: float) -> Iterator[int]:
        for size in sizes:
            if time.thread_time() > deadline:
                return
            with contextlib.suppress(Exception):
                self._rehearsed({name: size})
                yield size


def _around(size: int) -> tuple[range, range]:
    """Sizes below, from the nearest on, and sizes above."""
    return range(size - 1, max(0, size - _FARTHEST), -1), range(max(1, size + 1), max(1, size) + _FARTHEST)


def call_text(name: str, arguments: Mapping[str, object]) -> str:
    """A call as it would be written: "Tagger(hidden=512)"."""
    return f"{name}({', '.join(f'{key}={_written(value)}' for key, value in arguments.items())})"


def _written(value: object) -> str:
    text = repr(value) if isinstance(value, bool | int | float | str | tuple | list | None) else "..."
    return text if len(text) <= 40 else "..."


def _width(model: nn.Module) -> int | None:
    """Width of the first recurrent or attention layer."""
    for module in model.modules():
        if isinstance(module, nn.RNNBase | nn.RNNCellBase):
            return int(module.hidden_size)
        if isinstance(module, nn.MultiheadAttention):
            return int(module.embed_dim)
    return None


def _nbytes(model: nn.Module) -> int:
    sizes = shapes(model)
    element = {name: tensor.element_size() for name, tensor in tensors(model)}
    return sum(math.prod(shape) * element[name] for name, shape in sizes.items() if shape is not None)
