"""Arrays that were put together as one data set, and refused because they are not of one length."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

from shapewidget.frameworks.loading import raised_at
from shapewidget.frameworks.nesting import named_arrays
from shapewidget.graph.records import SourceLine

_CHECKS = {"check_data_cardinality": "data", "TensorDataset.__init__": "tensors"}
"""The functions that compare the lengths, and the name of their argument that holds the arrays."""


@dataclass(frozen=True, slots=True)
class Unequal:
    """What could not be put together.

    Attributes:
        title: What they were put together as: "TensorDataset", "fit".
        lengths: Number of samples of each array.
        source: The user's own line.
    """

    title: str
    lengths: tuple[int, ...]
    source: SourceLine | None


def unequal_arrays(error: Exception) -> Unequal | None:
    """The arrays that an error is about; None where it is about something else."""
    trace = error.__traceback__
    while isinstance(trace, TracebackType):
        code = trace.tb_frame.f_code
        argument = _CHECKS.get(code.co_qualname)
        if argument is not None:
            arrays = named_arrays(trace.tb_frame.f_locals.get(argument))
            lengths = tuple(int(array.shape[0]) for _, array in arrays if len(array.shape))
            if len(set(lengths)) > 1:
                owner = code.co_qualname.split(".")
                return Unequal(owner[0] if len(owner) > 1 else "fit", lengths, raised_at(error))
        trace = trace.tb_next
    return None
