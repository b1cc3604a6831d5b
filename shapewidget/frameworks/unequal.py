"""Arrays that were put together as one data set, and refused because they are not of one length."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from shapewidget.frameworks.loading import raised_at
from shapewidget.frameworks.nesting import is_array, named_arrays, numeric
from shapewidget.frameworks.source.edits import as_operand
from shapewidget.frameworks.source.text import Source, Span
from shapewidget.graph.records import SourceLine
from shapewidget.graph.remedies import SourceEdit

_CHECKS = {"check_data_cardinality": "data", "TensorDataset.__init__": "tensors"}
"""The functions that compare the lengths, and the name of their argument that holds the arrays."""


@dataclass(frozen=True, slots=True)
class Unequal:
    """What could not be put together.

    Attributes:
        title: What they were put together as: "TensorDataset", "fit".
        arrays: The arrays.
        source: The user's own line.
    """

    title: str
    arrays: tuple[Any, ...]
    source: SourceLine | None

    @property
    def lengths(self) -> tuple[int, ...]:
        """Number of samples of each array."""
        return tuple(int(array.shape[0]) for array in self.arrays)


@dataclass(frozen=True, slots=True)
class Reshaped:
    """Inputs and labels once one of them was read in another way.

    Attributes:
        place: Which of the two.
        method: What is called on it: ".reshape(99, 1, 12)".
        inputs: The inputs then.
        targets: The labels then.
    """

    place: int
    method: str
    inputs: Any
    targets: Any


def unequal_arrays(error: Exception) -> Unequal | None:
    """The arrays that an error is about; None where it is about something else."""
    trace = error.__traceback__
    while isinstance(trace, TracebackType):
        code = trace.tb_frame.f_code
        argument = _CHECKS.get(code.co_qualname)
        if argument is not None:
            named = named_arrays(trace.tb_frame.f_locals.get(argument))
            arrays = tuple(array for _, array in named if len(array.shape))
            owner = code.co_qualname.split(".")
            found = Unequal(owner[0] if len(owner) > 1 else "fit", arrays, raised_at(error))
            if len(set(found.lengths)) > 1:
                return found
        trace = trace.tb_next
    return None


def reshaped(found: Unequal) -> Iterator[Reshaped]:
    """Ways to read inputs and labels that give them one length, the likeliest first.

    The samples may be one sequence, whose steps the labels are of; a row each of what was made one sequence; or the
    columns of a table that was transposed.
    """
    if len(found.arrays) != 2 or not all(map(is_array, found.arrays)):
        return
    inputs, targets = map(numeric, found.arrays)
    one, count = tuple(map(int, inputs.shape)), int(targets.shape[0])
    if len(one) > 2 and one[:2] == (1, count):
        shape = (1, *map(int, targets.shape))
        yield Reshaped(1, f".reshape{shape}", inputs, targets.reshape(shape))
        shape = (count, 1, *one[2:])
        yield Reshaped(0, f".reshape{shape}", inputs.reshape(shape), targets)
    elif len(one) == 2 and one[1] == count != one[0]:
        yield Reshaped(0, ".T", inputs.T, targets)


def edited(line: SourceLine | None, made: Reshaped) -> SourceEdit | None:
    """The edit of the call that was given the arrays; None where it cannot be told which of its arguments they are."""
    source = Source.read(line.filename) if line is not None else None
    if source is None or line is None:
        return None
    calls = [
        node for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and source.text(Span.of(node)) == line.expression
        and node.lineno <= line.line <= (node.end_lineno or node.lineno)
    ]  # fmt: skip
    given = calls[0].args[: made.place + 1] if calls else []
    if len(given) <= made.place or any(isinstance(each, ast.Starred) for each in given):
        return None
    node = given[made.place]
    return source.replacing(Span.of(node), as_operand(source, node) + made.method)
