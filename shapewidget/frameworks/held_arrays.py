"""The arrays that a loader or a data set cuts its samples from, and whether it gives each input its own label.

Arrays of one length that stand beside one another say which label is whose. What is compared are rows as they are held:
a loader that computes something of them is not judged.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, permutations
from typing import Any

from shapewidget.frameworks.cut_slices import Batch, cut_apart
from shapewidget.frameworks.nesting import is_array
from shapewidget.frameworks.pairing import Rows, apart, rows_of
from shapewidget.graph.batches import CutApart, RowsApart

_MOST_ROWS, _MOST_BYTES = 20_000, 1 << 25
_FEWEST_ROWS = 8
_MOST_BATCHES = 1_000
_FIRST_LOOK = 64
"""How many rows are looked at before all are."""

Pairs = Iterator[tuple[bytes, bytes]]
"""Input and label of every sample of a pass."""


class HeldArrays:
    """The arrays of one length among what an object holds.

    Args:
        held: Its attributes, or the variables of a generator, by name.
    """

    def __init__(self, held: Mapping[str, Any]) -> None:
        arrays = {name: each for name, each in held.items() if is_array(each) and _is_small(each)}
        lengths = Counter(int(each.shape[0]) for each in arrays.values())
        length, count = lengths.most_common(1)[0] if lengths else (0, 0)
        self._arrays = {name: each for name, each in arrays.items() if int(each.shape[0]) == length and count > 1}
        self._rows = {name: rows for name, each in self._arrays.items() if (rows := rows_of(each)) is not None}

    @contextlib.contextmanager
    def unchanged(self) -> Iterator[None]:
        """Put the numbers back that the block moves within the arrays."""
        flags = ((each, getattr(each, "flags", None)) for each in self._arrays.values())
        kept = [(each, each.copy(), each.tobytes()) for each, flag in flags if getattr(flag, "writeable", False)]
        try:
            yield
        finally:
            for each, before, numbers in kept:
                if each.tobytes() != numbers:
                    each[...] = before

    def moved_apart(self, held: Mapping[str, Any], step: str) -> RowsApart | None:
        """Two arrays whose rows stand in two orders now, and did not when this was made.

        Args:
            held: What the object holds now.
            step: What moved them.
        """
        now = {name: rows_of(held.get(name), len(rows)) for name, rows in self._rows.items()}
        for one, other in permutations(self._rows, 2):
            first, second = now[one], now[other]
            parted = apart((self._rows[one], self._rows[other]), (first, second)) if first and second else 0
            if parted:
                return RowsApart(step, len(self._rows[one]), parted)
        return None

    def cut_apart(self, batches: Callable[[], Iterator[Batch]], step: str) -> CutApart | None:
        """A batch that is cut from two of the arrays at different rows, or over the batch before.

        Args:
            batches: Begins a pass.
            step: What cuts them.
        """
        first: list[Batch] = list(islice(batches(), _MOST_BATCHES)) if len(self._rows) > 1 else []
        pairs = permutations(self._rows.values(), 2)
        return next((found for one, other in pairs if (found := cut_apart(first, one, other, step))), None)

    def given_apart(self, passes: Callable[[], Pairs], step: str) -> RowsApart | None:
        """Rows of two of the arrays that are given together, and are held apart.

        Args:
            passes: Begins a pass.
            step: What gives them.
        """
        for one, other in permutations(self._rows, 2):
            inputs, labels = self._rows[one], self._rows[other]
            seen = _looked_up(islice(passes(), _FIRST_LOOK), inputs, labels)
            if seen is None or _is_shifted(seen, labels) or all(labels[place] == label for place, label in seen):
                continue
            parted = _parted(passes(), inputs, labels)
            return RowsApart(step, len(inputs), parted) if parted else None
        return None


def _is_small(array: Any) -> bool:
    rows = array.shape[0] if len(array.shape) else 0
    return (
        isinstance(rows, int)
        and _FEWEST_ROWS <= rows <= _MOST_ROWS
        and getattr(array, "nbytes", _MOST_BYTES) < _MOST_BYTES
    )


def _looked_up(pairs: Iterable[tuple[bytes, bytes]], inputs: Rows, labels: Rows) -> list[tuple[int, bytes]] | None:
    """Where every input stands among the held ones, with the label that it was given; None where that is not known."""
    places, known = {row: place for place, row in enumerate(inputs)}, set(labels)
    found = [(places[row], label) for row, label in pairs if row in places and label in known]
    return found if len(places) == len(inputs) and len(found) >= _FEWEST_ROWS else None


def _is_shifted(seen: list[tuple[int, bytes]], labels: Rows) -> bool:
    """Whether every input has the label that stands so many rows behind its own: something is to be foretold."""
    first, label = seen[0]
    shifts = (place - first for place, each in enumerate(labels) if each == label)
    return any(all(labels[(place + shift) % len(labels)] == each for place, each in seen) for shift in shifts if shift)


def _parted(pairs: Pairs, inputs: Rows, labels: Rows) -> int:
    """How many inputs of a whole pass have the label of another, if the pass has the labels that its inputs have."""
    places = {row: place for place, row in enumerate(inputs)}
    given = list(_until_repeated(islice(pairs, len(inputs))))
    missing = len(inputs) - len(given)
    if any(row not in places for row, _ in given) or missing > len(inputs) // 10:
        return 0
    own = [labels[places[row]] for row, _ in given]
    others = (Counter(own) - Counter(label for _, label in given)).total()
    return sum(mine != label for mine, (_, label) in zip(own, given, strict=True)) if others <= missing else 0


def _until_repeated(pairs: Pairs) -> Pairs:
    """One pass of what may begin again behind its end."""
    seen: set[bytes] = set()
    for row, label in pairs:
        if row in seen:
            return
        seen.add(row)
        yield row, label
