"""Sequences of different length in one array, filled up with zeros."""

from __future__ import annotations

from dataclasses import dataclass


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
