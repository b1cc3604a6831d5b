"""Run a model twice with one sample replaced, and see what changes in every tensor.

Of every tensor only two projections a row are kept, in double precision: nothing is held that the model itself lets go.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.torch.guard import untouched
from shapewidget.frameworks.torch.layers import paths
from shapewidget.frameworks.torch.likeness import to_run
from shapewidget.frameworks.torch.provenance import Slot
from shapewidget.frameworks.torch.recorder import Recorder
from shapewidget.frameworks.torch.signature import labelled, unwrapped
from shapewidget.frameworks.torch.tensors import flat, mapped
from shapewidget.graph.independence import Independence, Tensor, Touch, batch_axes
from shapewidget.graph.records import LayerGraph

SAMPLE = 1
"""Which sample is replaced: one with neighbours on both sides, where there are three."""

_TOLERANCE = 1e-5
"""Share of a row's norm that rounding may move; one run repeats the other bit by bit, but not on every GPU."""

_STRETCH = 1.5

_LARGEST = 1e6
"""Masked scores and infinities are cut to this, so that they do not drown the rest of their row."""

Sketch = tuple[torch.Tensor, torch.Tensor]
Sketches = dict[Tensor, tuple[int | None, Sketch]]


def independence(model: nn.Module, batch: Batch, graph: LayerGraph, sizes: Mapping[str, int]) -> Independence | None:
    """What changes when one sample of the batch is replaced.

    Normalisation layers that have running statistics use them: what they mix in training is meant.

    Args:
        model: Left as found.
        batch: At least two samples.
        graph: The model's graph, its axes solved.
        sizes: The named sizes of the batch.

    Returns:
        None where no input can be varied, or the model does not run the same way twice.

    Raises:
        Exception: Whatever the model raises.
    """
    model = to_run(unwrapped(model))
    other = _replaced(model, batch)
    if other is None:
        return None
    axes = batch_axes(graph)
    first, second = _sketches(model, batch, axes), _sketches(model, other, axes)
    touched = _touched(first, second)
    found = Independence(SAMPLE, sizes, touched)
    if any(touch.axis is not None and not found.is_own(touch) for touch in touched.values()):
        again = _touched(first, _sketches(model, batch, axes))
        if any(touch.rows for touch in again.values()):
            return None
    return found


def _sketches(model: nn.Module, batch: Batch, axes: Mapping[Tensor, int]) -> Sketches:
    with untouched(model) as held:
        recorder = _Sketcher(paths(model), axes, [*held, *flat((batch.args, dict(batch.kwargs)))])
        for module in model.modules():
            if isinstance(module, _NormBase) and module.running_mean is not None:
                module.training = False
        with torch.no_grad(), recorder.recording():
            model(*batch.args, **batch.kwargs)
    return recorder.sketches


class _Sketcher(Recorder):
    """A recorder that keeps a sketch of every tensor as it is when it is made."""

    def __init__(
        self, names: Mapping[nn.Module, str], axes: Mapping[Tensor, int], protected: Iterable[torch.Tensor]
    ) -> None:
        super().__init__(names, repair=False, protected=protected)
        self.sketches: Sketches = {}
        self._axes = axes

    def produced(self, tensor: torch.Tensor, slot: Slot, *, wrote: bool) -> None:
        super().produced(tensor, slot, wrote=wrote)
        place = (self.nodes[slot.node].id, slot.output)
        axis = self._axes.get(place)
        if axis is not None and axis >= tensor.dim():
            axis = None
        with torch._C.DisableTorchFunction(), contextlib.suppress(RuntimeError, NotImplementedError):
            self.sketches[place] = axis, _sketch(tensor, axis)


def _sketch(tensor: torch.Tensor, axis: int | None) -> Sketch:
    """Two projections of every row, and its norm."""
    values = tensor.detach()
    values = values.cpu() if values.device.type == "mps" else values
    rows = (
        values.flatten()[None]
        if axis is None
        else values.movedim(axis, 0).flatten(1)
        if values.dim() > 1
        else values[:, None]
    )
    rows = rows if rows.dtype in (torch.float32, torch.float64) else rows.double()
    norm = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    if not bool((norm <= _LARGEST).all()):
        rows = torch.nan_to_num(rows.double(), nan=_LARGEST / 7).clamp(-_LARGEST, _LARGEST)
        norm = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return (rows @ _directions(rows).T).cpu().double(), norm.cpu().double()


def _directions(rows: torch.Tensor) -> torch.Tensor:
    """Two directions in the space of the rows, of no pattern that a tensor would have: (2, width)."""
    width = rows.shape[1]
    return _numbers(1 << max(width - 1, 0).bit_length(), rows.dtype, rows.device)[:, :width]


@functools.lru_cache(maxsize=32)
def _numbers(width: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    steps = torch.arange(width, dtype=torch.float64, device=device)
    return torch.stack([torch.cos(steps * 1.7 + 0.3), torch.sin(steps * 2.9 + 1.1)]).to(dtype)


def _touched(first: Sketches, second: Sketches) -> dict[Tensor, Touch]:
    found = {}
    for place, (axis, (values, norm)) in first.items():
        other = second.get(place)
        if other is None or other[1][0].shape != values.shape:
            continue
        changed = ((values - other[1][0]).abs() > _TOLERANCE * torch.maximum(norm, other[1][1])).any(1)
        found[place] = Touch(axis, len(changed), tuple(changed.nonzero().flatten().tolist()))
    return found


# -- another sample -------------------------------------------------------------------------------------------------


def _replaced(model: nn.Module, batch: Batch) -> Batch | None:
    """The batch with other values in one sample, of the same kind: ids stay ids, zeros, masks and lengths stay."""
    changed: dict[int, torch.Tensor] = {}
    for only_free in (True, False):
        for (_, tensor), names in zip(labelled(model, batch.args, batch.kwargs), batch.axes, strict=True):
            if names.count("B") == 1 and (_is_free(tensor) or not only_free):
                other = _with_other_sample(tensor, names.index("B"))
                if other is not None:
                    changed[id(tensor)] = other
        if changed:
            break
    if not changed:
        return None

    def change(value: Any) -> Any:
        return mapped(value, lambda tensor: changed.get(id(tensor), tensor))

    return replace(batch, args=change(batch.args), kwargs={name: change(value) for name, value in batch.kwargs.items()})


def _is_free(tensor: torch.Tensor) -> bool:
    """Whether its values are data, and not a mask or the lengths of sequences."""
    is_vector_of_counts = tensor.dim() == 1 and not tensor.is_floating_point()
    return not is_vector_of_counts and not bool(((tensor == 0) | (tensor == 1)).all())


def _with_other_sample(tensor: torch.Tensor, axis: int) -> torch.Tensor | None:
    """Values drawn from the whole tensor, so that they are legal; zeros may be padding and stay.

    Numbers that are not held between -1 and 1 are stretched, so that the extremes of the batch move too.
    """
    result = tensor.detach().clone()
    sample = result.select(axis, SAMPLE)
    pool = tensor[tensor != 0]
    if tensor.dtype == torch.bool or not pool.numel():
        return None
    if bool((pool == pool.flatten()[0]).all()):
        if not tensor.is_floating_point():
            return None
        pool = pool.flatten()[0] * torch.linspace(0.5, 1.5, 7, dtype=tensor.dtype, device=tensor.device)
    picks = torch.arange(sample.numel(), device=tensor.device) * 5 + 3
    drawn = pool.flatten()[picks % pool.numel()].reshape(sample.shape)
    drawn = torch.where(drawn == sample, pool.flatten()[(picks + 1) % pool.numel()].reshape(sample.shape), drawn)
    if tensor.is_floating_point() and bool((pool.abs() > 1).any()):
        drawn = drawn * _STRETCH
        drawn.view(-1)[0] = pool.abs().max() * _STRETCH
    other = torch.where(sample == 0, sample, drawn)
    if bool((other == sample).all()):
        return None
    sample.copy_(other)
    return result.requires_grad_(tensor.requires_grad)
