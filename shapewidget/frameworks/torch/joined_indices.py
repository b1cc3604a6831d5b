"""Indices of samples that are joined: edges of graphs, whose rows stand behind those of the graphs before."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import torch

from shapewidget.frameworks.nesting import named_arrays
from shapewidget.frameworks.source.batch_edits import summed_up
from shapewidget.frameworks.source.called_functions import with_functions
from shapewidget.graph.batches import Misplaced

_FEWEST = 3
"""Samples: where the third begins, the length of the one before is not the sum of all."""


def misplaced(collate: Callable[[Any], Any], samples: Sequence[Any], batch: Any, step: str) -> Misplaced | None:
    """The first sample whose indices are moved, and not to where its rows begin.

    Args:
        collate: What joins the samples.
        samples: They.
        batch: What it makes of them.
        step: Its name.
    """
    found = _found(samples, batch, step)
    if found is None:
        return None
    for function, remade in with_functions(collate):
        for edit in summed_up(function):
            with contextlib.suppress(Exception):  # the user's code, run as it was not written
                made = remade(edit.function)(samples)
                if list(_moves(samples, made)) and _found(samples, made, step) is None:
                    fix = " ".join(line.strip() for line in edit.edit.after)
                    return replace(found, edit=fix, patch=edit.edit.diff(), source=edit.line)
    return found


def _found(samples: Sequence[Any], batch: Any, step: str) -> Misplaced | None:
    for moves, begins in _moves(samples, batch):
        wrong = next((place for place, pair in enumerate(zip(moves, begins, strict=True)) if pair[0] != pair[1]), None)
        if wrong is not None and any(moves):  # ids that are joined as they are mean no rows
            return Misplaced(step, wrong, begins[wrong], moves[wrong])
    return None


def _moves(samples: Sequence[Any], batch: Any) -> Iterator[tuple[list[int], list[int]]]:
    """By how much the indices of every sample are moved, and where its rows begin."""
    fields = [dict(named_arrays(sample)) for sample in samples]
    if len(fields) < _FEWEST or any(field.keys() != fields[0].keys() for field in fields):
        return
    made = [array for _, array in named_arrays(batch) if isinstance(array, torch.Tensor)]
    columns = {name: [torch.as_tensor(field[name]) for field in fields] for name in fields[0]}
    joined = [rows for rows in columns.values() if rows[0].dim() and _is_joined(rows, made)]
    for indices in columns.values():
        if indices[0].is_floating_point() or not indices[0].dim():
            continue
        for rows in joined:
            begins = [0, *accumulate(len(each) for each in rows[:-1])]
            if all(_points_into(each, len(own)) for each, own in zip(indices, rows, strict=True)):
                yield from ((moves, begins) for moves in _differences(indices, made))


def _is_joined(rows: Sequence[torch.Tensor], made: Sequence[torch.Tensor]) -> bool:
    if not rows[0].is_floating_point() or len({each.shape[1:] for each in rows}) > 1:
        return False
    return any(torch.equal(torch.cat(list(rows)), array) for array in made if array.dtype == rows[0].dtype)


def _points_into(indices: torch.Tensor, rows: int) -> bool:
    return bool(indices.numel()) and int(indices.min()) == 0 < int(indices.max()) < rows


def _differences(indices: Sequence[torch.Tensor], made: Sequence[torch.Tensor]) -> Iterator[list[int]]:
    """What was added to the indices of every sample, one number for each, before they were joined along an axis."""
    for array in made:
        for axis in {0, array.dim() - 1} if array.dim() == indices[0].dim() else ():
            sizes = [each.shape[axis] for each in indices]
            if array.dtype != indices[0].dtype or array.shape[axis] != sum(sizes):
                continue
            parts = array.split(sizes, axis)
            if all(part.shape == each.shape for part, each in zip(parts, indices, strict=True)):
                moved = [(part - each).unique().tolist() for part, each in zip(parts, indices, strict=True)]
                if all(len(each) == 1 for each in moved):
                    yield [each[0] for each in moved]
