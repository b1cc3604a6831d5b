"""Batches whose rows hold one feature of all samples, where each should hold the features of one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from shapewidget.frameworks.nesting import named_arrays
from shapewidget.graph.batches import Columns

_FEWEST = 2


def columns_as_rows(samples: Sequence[Any], batch: Any, step: str) -> Columns | None:
    """An array of a batch that holds the features of its samples one after the other, each of all samples.

    Args:
        samples: What the batch was made of.
        batch: The batch.
        step: What made it.
    """
    fields = [dict(_vectors(sample)) for sample in samples]
    for name in fields[0] if len(fields) >= _FEWEST else ():
        rows = [field[name] for field in fields if name in field]
        widths = {len(row) for row in rows}
        if len(rows) < len(fields) or len(widths) != 1 or min(widths) < _FEWEST:
            continue
        table = torch.stack(rows)
        for _, array in named_arrays(batch):
            if isinstance(array, torch.Tensor) and _is_turned(array, table):
                return Columns(step, len(rows), widths.pop())
    return None


def _is_turned(array: torch.Tensor, table: torch.Tensor) -> bool:
    """Whether an array of the form of the table is the table's transpose, read row by row."""
    if array.shape != table.shape or not array.is_floating_point():
        return False
    made = array.detach().cpu().double()
    return not torch.allclose(made, table, rtol=1e-5) and torch.allclose(made.flatten(), table.t().flatten(), rtol=1e-5)


def _vectors(sample: Any, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Every field of a sample that is a row of measured numbers: of ids, time may be meant to stand in front."""
    if isinstance(sample, Mapping):
        for key, value in sample.items():
            yield from _vectors(value, f"{name}[{key!r}]")
        return
    is_row = isinstance(sample, list) and all(isinstance(each, float) for each in sample)
    if isinstance(sample, tuple | list) and not is_row:
        for place, value in enumerate(sample):
            yield from _vectors(value, f"{name}[{place}]")
        return
    with contextlib.suppress(Exception):  # a sample may hold anything
        row = torch.as_tensor(sample).detach().cpu()
        if row.dim() == 1 and row.is_floating_point():
            yield name, row.double()
