"""Whether the targets of a forecast stand in its windows already."""

from __future__ import annotations

from typing import Any

from shapewidget.frameworks.nesting import is_array, numeric

_FEWEST = 8


class TargetSearch:
    """Looks, batch after batch, for one step of the inputs that every target is equal to."""

    def __init__(self) -> None:
        """Nothing was looked at yet."""
        self._steps: set[int] | None = None
        self._length = self._samples = 0
        self._varies = False

    def add(self, inputs: Any, targets: Any) -> None:
        """Keep the steps that are equal to the targets of this batch too."""
        if self._steps is not None and not self._steps:
            return
        inputs, targets = numeric(inputs), numeric(targets)
        found = _equal_steps(inputs, targets)
        self._steps = found if self._steps is None else self._steps & found
        if self._steps:
            self._length = int(inputs.shape[1])
            self._samples += int(inputs.shape[0])
            self._varies = self._varies or bool((targets != targets[:1]).any())

    @property
    def step(self) -> str:
        """The step as a subscript of the inputs, "[:, -1]"; empty where there is none, or too little was seen."""
        if not self._steps or len(self._steps) > 1 or self._samples < _FEWEST or not self._varies:
            return ""
        step = next(iter(self._steps))
        return f"[:, {step - self._length if step == self._length - 1 else step}]"


def _equal_steps(inputs: Any, targets: Any) -> set[int]:
    """The steps of windows of floats, batch by time by features, that are equal to the targets."""
    if not (_is_floats(inputs) and _is_floats(targets)):
        return set()
    given, wanted = tuple(inputs.shape), tuple(targets.shape)
    if len(given) != 3 or given[1] < 3 or not wanted or wanted[0] != given[0]:
        return set()
    flat = targets.reshape(given[0], -1)
    width = int(flat.shape[1])
    if width not in (1, given[2]):
        return set()
    columns = [slice(None)] if width == given[2] else [slice(place, place + 1) for place in range(given[2])]
    return {step for step in range(given[1]) for column in columns if bool((inputs[:, step, column] == flat).all())}


def _is_floats(value: Any) -> bool:
    return is_array(value) and "float" in str(value.dtype)
