"""Whether the targets of a forecast stand in its windows already."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

from shapewidget.frameworks.nesting import is_array, numeric
from shapewidget.graph.batches import TargetStep

_FEWEST = 8


class TargetSearch:
    """Looks, batch after batch, for one step of the inputs that every target is equal to."""

    def __init__(self) -> None:
        """Nothing was looked at yet."""
        self._steps: set[tuple[int, int | None]] | None = None
        self._batches: list[tuple[Any, Any]] = []

    def add(self, inputs: Any, targets: Any) -> None:
        """Keep the steps that are equal to the targets of this batch too."""
        if self._steps is not None and not self._steps:
            return
        inputs, targets = numeric(inputs), numeric(targets)
        found = _equal_steps(inputs, targets)
        self._steps = found if self._steps is None else self._steps & found
        self._batches = [*self._batches, (inputs, targets)] if self._steps else []

    @property
    def found(self) -> TargetStep | None:
        """The step; None where there is none, or several, or too little was seen."""
        samples = sum(int(inputs.shape[0]) for inputs, _ in self._batches)
        varies = any(bool((targets != targets[:1]).any()) for _, targets in self._batches)
        if len({step for step, _ in self._steps or ()}) != 1 or samples < _FEWEST or not varies:
            return None
        (step, column), steps = next(iter(self._steps or ())), int(self._batches[0][0].shape[1])
        return TargetStep(step, steps, self._is_mended(steps - step, slice(None) if column is None else column))

    def _is_mended(self, shift: int, column: int | slice) -> bool:
        """Whether the step behind every window, or one column of it, is the target of so many samples later."""
        windows = [window for inputs, _ in self._batches for window in inputs]
        targets = [target.reshape(-1) for _, targets in self._batches for target in targets]
        moves_on = all(bool((one[1:] == other[:-1]).all()) for one, other in pairwise(windows))
        if not moves_on or len(windows) <= shift + 1:
            return False
        pairs = zip(windows[1:], targets[shift:], strict=False)
        return all(bool((window[-1, column] == target).all()) for window, target in pairs)


def _equal_steps(inputs: Any, targets: Any) -> set[tuple[int, int | None]]:
    """The steps of windows of floats, batch by time by features, that are equal to the targets, each with its column.

    The column is None where the targets are all features of a step.
    """
    if not (_is_floats(inputs) and _is_floats(targets)):
        return set()
    given, wanted = tuple(inputs.shape), tuple(targets.shape)
    if len(given) != 3 or given[1] < 3 or not wanted or wanted[0] != given[0]:
        return set()
    flat = targets.reshape(given[0], -1)
    width = int(flat.shape[1])
    if width not in (1, given[2]):
        return set()
    if width == given[2]:
        return {(step, None) for step in range(given[1]) if bool((inputs[:, step] == flat).all())}
    places = product(range(given[1]), range(given[2]))
    return {(step, column) for step, column in places if bool((inputs[:, step, column] == flat[:, 0]).all())}


def _is_floats(value: Any) -> bool:
    return is_array(value) and "float" in str(value.dtype)
