"""What `tape.gradient` starts from: the mean that a loss is, and the numbers that it was multiplied by.

Followed forwards, operation by operation, for single numbers alone: a tape does not tell what it has recorded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from shapewidget.frameworks.keras.tensors import shape
from shapewidget.graph.training import LossTerm

_SAME = ("AddV2", "Add", "AddN", "Sub", "Neg", "Cast", "Identity", "Reshape", "Squeeze", "ReadVariableOp")
_DIVIDES = ("RealDiv", "DivNoNan")
_MOST_NUMBERS = 4_096
_MOST_TERMS = 64


class LossTrace:
    """Knows of the newest single numbers which losses they were made of."""

    def __init__(self) -> None:
        """Nothing ran yet."""
        self._numbers: OrderedDict[int, tuple[Any, tuple[LossTerm, ...]]] = (
            OrderedDict()
        )  # keeps each, so that ids hold

    def terms(self, loss: Any) -> tuple[LossTerm, ...]:
        """The losses that a number was added up of; none where that was not seen."""
        return self._numbers.get(id(loss), (None, ()))[1]

    def ran(self, name: str, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """An operation of TensorFlow ran."""
        if len(outputs) != 1 or shape(outputs[0]) or not outputs[0].dtype.is_floating:
            return
        made = self._made(name, inputs)
        if made:
            self._numbers[id(outputs[0])] = outputs[0], made[:_MOST_TERMS]
            if len(self._numbers) > _MOST_NUMBERS:
                self._numbers.popitem(last=False)

    def _made(self, name: str, inputs: Sequence[Any]) -> tuple[LossTerm, ...]:
        if name in ("Mean", "Sum") and len(shape(inputs[0])):
            sizes = shape(inputs[0])
            values = int(inputs[0].shape.num_elements() or 0)
            return (LossTerm((), name == "Mean", sizes[0], values if name == "Sum" else None),)
        known = [self.terms(each) for each in inputs]
        if name in _SAME:
            return tuple(term for terms in known for term in terms)
        if name in (*_DIVIDES, "Mul") and len(inputs) == 2 and bool(known[0]) != bool(known[1]):
            place = 0 if known[0] else 1
            if place == 0 or name == "Mul":
                return tuple(_scaled(term, float(inputs[1 - place]), name) for term in known[place])
        return ()


def _scaled(term: LossTerm, number: float, name: str) -> LossTerm:
    if name == "Mul":
        return replace(term, factors=(*term.factors, number))
    if term.summed and not term.factors and number in (term.summed, term.rows):
        return LossTerm((), True, term.rows)
    return replace(term, factors=(*term.factors, 1 / number if number else 0.0))
