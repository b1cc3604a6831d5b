"""A guess: a value that an argument of `forward` may want, not made before it is tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from shapewidget.frameworks.torch.axes import Names


@dataclass(frozen=True)
class Guess:
    """A value for one argument.

    Attributes:
        make: Gives the value: a tensor, a tuple of them, or a plain number.
        axes: Names of the axes of each of its tensors.
        what: The value in words: "8 sequences of 16 token ids below 5000".
        place: The layer that it was made for, or what else suggested it.
    """

    make: Callable[[], Any]
    axes: tuple[Names, ...]
    what: str
    place: str


@dataclass(frozen=True)
class Sizes:
    """Sizes that guesses are made at.

    Attributes:
        batch: Samples.
        length: Steps of a sequence.
        second_length: Steps of a decoder's own sequences, and letters of a word.
    """

    batch: int
    length: int
    second_length: int


class Maker:
    """Makes guesses out of tensors on the device of a model and in the dtype of its weights.

    Its random numbers are its own: those of the process are not touched.
    """

    def __init__(self, model: nn.Module) -> None:
        floating = (weight for weight in model.parameters() if weight.is_floating_point())
        self._weight = next(floating, torch.zeros(()))
        self._random = torch.Generator().manual_seed(0)

    def ids(self, below: int, shape: tuple[int, ...], axes: str, what: str, place: str, lowest: int = 0) -> Guess:
        """Whole numbers from `lowest` up; `axes` as in "B T _"."""

        def make() -> torch.Tensor:
            return torch.randint(lowest, below, shape, generator=self._random).to(self._weight.device)

        return Guess(make, (names(axes),), what, place)

    def floats(self, shape: tuple[int, ...], axes: str, what: str, place: str) -> Guess:
        """Normally distributed numbers."""
        return Guess(lambda: self._normal(shape), (names(axes),), what, place)

    def pair(self, first: tuple[int, ...], second: tuple[int, ...], axes: str, what: str, place: str) -> Guess:
        """Two tensors of normally distributed numbers."""
        return Guess(lambda: (self._normal(first), self._normal(second)), (names(axes),) * 2, what, place)

    def fixed(self, tensor: torch.Tensor, axes: str, what: str, place: str) -> Guess:
        """A tensor that is known; floats take the dtype of the weights."""
        dtype = self._weight.dtype if tensor.is_floating_point() else tensor.dtype
        return Guess(lambda: tensor.to(self._weight.device, dtype), (names(axes),), what, place)

    def _normal(self, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.randn(shape, generator=self._random).to(self._weight.device, self._weight.dtype)


def names(axes: str) -> Names:
    """Split axes as in "B T _", where "_" is an axis without a name."""
    return tuple("" if name == "_" else name for name in axes.split())
