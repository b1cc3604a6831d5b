"""Pieces of one sequence that lie below one another in a batch, where a state goes from batch to batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapewidget.frameworks.nesting import is_array, numeric

_FEWEST = 3
"""Rows that follow one another by chance in a smaller batch."""


def rows_go_on(batches: Sequence[tuple[Any, Any]]) -> bool:
    """Whether what is to be foretold behind each row is, to the last bit, what the next row of the batch begins with.

    Args:
        batches: Inputs and targets of several batches.
    """
    pairs = [(numeric(x), numeric(y)) for x, y in batches if is_array(x) and is_array(y)]
    return len(pairs) == len(batches) > 0 and all(_go_on(x, y) for x, y in pairs)


def _go_on(inputs: Any, targets: Any) -> bool:
    given, wanted = tuple(inputs.shape), tuple(targets.shape)
    if len(given) not in (2, 3) or given[0] < _FEWEST or given[1] < 2 or not wanted or wanted[0] != given[0]:
        return False
    is_of_steps = len(wanted) > 1 and wanted[1] == given[1]
    behind = (targets[:, -1] if is_of_steps else targets).reshape(given[0], -1)[:-1]
    begins = inputs[1:, 0].reshape(given[0] - 1, -1)
    if not bool((behind != behind[:1]).any()):
        return False
    if behind.shape == begins.shape:
        return bool((behind == begins).all())
    return behind.shape[1] == 1 and any(bool((behind[:, 0] == column).all()) for column in begins.T)
