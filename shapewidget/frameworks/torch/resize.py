"""A batch at other sizes: cropped, or tiled with the user's own samples, so that dtype and values stay legal."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from shapewidget.errors import InputError
from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.torch.axes import MERGED, Names, named_sizes
from shapewidget.frameworks.torch.signature import labelled
from shapewidget.frameworks.torch.tensors import leaves, mapped


def batch_sizes(batch: Batch) -> dict[str, int]:
    """The named sizes of a batch: {"B": 32, "T": 100}."""
    return named_sizes(list(leaves((batch.args, dict(batch.kwargs)))), batch.axes)


def resized(model: nn.Module, batch: Batch, sizes: Mapping[str, int]) -> Batch:
    """The batch at other sizes of its named axes; those that `sizes` does not name stay.

    Rows that a larger batch repeats are rolled along their next named axis, so that no two are equal. Vectors of
    sequence lengths follow the new length of the sequences.

    Raises:
        InputError: A size is not a whole number above 0, or the batch has no axis of that name.
    """
    old = batch_sizes(batch)
    new = {**old, **{name: _checked(name, size, old) for name, size in sizes.items()}}
    tensors = list(labelled(model, batch.args, batch.kwargs))
    changed: dict[int, torch.Tensor] = {}
    for (label, tensor), names in zip(tensors, batch.axes, strict=True):
        result = _fitted(tensor, names, new)
        time = _time_of_lengths(label, tensor, names, old)
        changed[id(tensor)] = _as_lengths(tensor, result, old[time], new[time]) if time is not None else result
    for tensor, names in zip(leaves(batch.targets), batch.target_axes, strict=True):
        changed.setdefault(id(tensor), _fitted(tensor, names, new))

    def change(value: Any) -> Any:
        return mapped(value, lambda tensor: changed[id(tensor)])

    kwargs = {name: change(value) for name, value in batch.kwargs.items()}
    return replace(batch, args=change(batch.args), kwargs=kwargs, targets=change(batch.targets))


def _checked(name: str, size: Any, known: Mapping[str, int]) -> int:
    if name not in known:
        has = ", ".join(known) or "no named axis"
        raise InputError(
            f"The batch has no axis {name!r} to resize; it has {has}. Name the axes with axes=..., as in axes='B T'."
        )
    try:
        whole = operator.index(size)
    except TypeError:
        whole = 0
    if whole < 1 or isinstance(size, bool):
        raise InputError(f"The size of {name} must be a whole number from 1 up, such as {known[name]}; got {size!r}.")
    return whole


def _fitted(tensor: torch.Tensor, names: Names, sizes: Mapping[str, int]) -> torch.Tensor:
    """The tensor with every named axis cropped or tiled."""
    result = tensor.detach()
    for axis, name in enumerate(names):
        if not name:
            continue
        size = math.prod(sizes[part] for part in name.split(MERGED))
        others = [place for place, other in enumerate(names) if other and place != axis] if name == "B" else []
        result = _stretched(result, axis, size, others[0] if others else None)
    return tensor if result.shape == tensor.shape else result.requires_grad_(tensor.requires_grad)


def _stretched(tensor: torch.Tensor, axis: int, size: int, roll: int | None) -> torch.Tensor:
    """Crop the axis, or repeat it; the n-th repetition is rolled by n along the axis `roll`."""
    copies = math.ceil(size / tensor.shape[axis])
    if copies == 1:
        return tensor.narrow(axis, 0, size).clone()
    rolled = [tensor if roll is None else tensor.roll(count, roll) for count in range(copies)]
    return torch.cat(rolled, axis).narrow(axis, 0, size).contiguous()


def _time_of_lengths(label: str, tensor: torch.Tensor, names: Names, sizes: Mapping[str, int]) -> str | None:
    """Which length a tensor tells of, sequence by sequence: whole numbers from 1 to "T", called so or reaching it."""
    if names != ("B",) or "T" not in sizes or tensor.is_floating_point() or tensor.dtype == torch.bool:
        return None
    lowest, highest = int(tensor.min()), int(tensor.max())
    reached = next((name for name in ("T", "T2") if sizes.get(name) == highest), None)
    is_called_so = highest < sizes["T"] and "len" in label
    return (reached or ("T" if is_called_so else None)) if lowest >= 1 else None


def _as_lengths(tensor: torch.Tensor, fitted: torch.Tensor, old: int, new: int) -> torch.Tensor:
    """Lengths for the new size of the sequences; if the longest filled them before, it does so again.

    A tiled vector repeats from its start, which would break the order that `pack_padded_sequence` asks for: one that
    was sorted is sorted again.
    """
    lengths = fitted.clamp(max=new)
    if int(tensor.max()) == old:
        lengths = torch.where(fitted == fitted.max(), torch.full_like(lengths, new), lengths)
    is_sorted = bool((tensor[:-1] >= tensor[1:]).all())
    return lengths.sort(descending=True).values if is_sorted else lengths
