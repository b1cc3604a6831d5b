"""Sequences of different length in one array, filled up with zeros."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LengthsAs(StrEnum):
    """How an input says which steps of a sequence are its own."""

    NUMBERS = "lengths"
    """A number of steps for each sample."""
    MASK = "mask"
    """A one for each step of its own, and zeros behind."""


@dataclass(frozen=True, slots=True)
class Padding:
    """An input that is filled up at the end of its sequences.

    Attributes:
        place: Which of the inputs, in order.
        steps: How long the array is.
        shortest: How long its shortest sequence is.
        samples: How many of its sequences are filled up.
    """

    place: int
    steps: int
    shortest: int
    samples: int


@dataclass(frozen=True, slots=True)
class PaddedLabels:
    """Labels of sequences of different length that were filled up to one.

    Attributes:
        value: What they are filled up with.
        lengths: How many labels of each sample are its own.
        steps: How many it has with those that fill it up.
        is_class: Whether samples have labels of that value too.
    """

    value: int
    lengths: tuple[int, ...]
    steps: int
    is_class: bool = False

    @property
    def own(self) -> int:
        """How many labels belong to samples."""
        return sum(self.lengths)

    @property
    def all(self) -> int:
        """How many there are."""
        return self.steps * len(self.lengths)


@dataclass(frozen=True, slots=True)
class CountedPadding:
    """Padding among labels that a loss counts.

    Attributes:
        labels: The labels.
        loss: What the loss is called.
        fix: How it leaves the padding out.
        is_mended: Whether it was run so, and its value no longer depended on the padding.
    """

    labels: PaddedLabels
    loss: str
    fix: str
    is_mended: bool
