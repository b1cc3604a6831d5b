"""Tables of points that a model keeps: in which order a grid was written down, told by how its coordinates repeat."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

_MOST = 1 << 18
"""Values of a buffer beyond which it is not looked at."""


def tables(model: nn.Module) -> Mapping[tuple[int, ...], tuple[int, int]]:
    """Of the model's buffers (points, coordinates) the rows and columns of the grid that they run through.

    A shape that several buffers have in different order is left out.
    """
    found: dict[tuple[int, ...], set[tuple[int, int]]] = {}
    for buffer in model.buffers():
        is_table = buffer.dim() == 2 and buffer.shape[1] in (2, 3) and buffer.numel() <= _MOST and not buffer.is_meta
        order = _order(buffer.detach().cpu()) if is_table else None
        if order is not None:
            found.setdefault(tuple(buffer.shape), set()).add(order)
    return {shape: orders.pop() for shape, orders in found.items() if len(orders) == 1}


def _order(points: torch.Tensor) -> tuple[int, int] | None:
    """(rows, columns): one coordinate stays for as many points as there are columns, the other begins anew then."""
    count = len(points)
    for slow, fast in ((0, 1), (1, 0)):
        steps = (points[1:, slow] != points[:-1, slow]).nonzero().flatten()
        columns = int(steps[0]) + 1 if len(steps) else count
        if columns < 2 or count % columns or count == columns:
            continue
        grid = points.reshape(count // columns, columns, -1)
        is_grid = bool((grid[:, :, slow] == grid[:, :1, slow]).all() and (grid[:, :, fast] == grid[:1, :, fast]).all())
        if is_grid:
            return count // columns, columns
    return None
