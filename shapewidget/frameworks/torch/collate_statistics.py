"""Collate functions that scale a batch by what they measure over it, so that every sample depends on all others."""

from __future__ import annotations

import copy
from types import FunctionType
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from shapewidget.frameworks.nesting import mapped, named_arrays, split
from shapewidget.graph.batches import SharedStatistics

_FEWEST = 3
_REPLACED = 1
"""Which sample of a batch is replaced."""
_TOLERANCE = 1e-5


def measured_over_batch(loader: DataLoader[Any]) -> SharedStatistics | None:
    """The collate function of the user's, if all rows of the first batch change when one sample is replaced."""
    collate = loader.collate_fn
    is_own = isinstance(collate, FunctionType) and not collate.__module__.startswith("torch.")
    if not is_own or isinstance(loader.dataset, IterableDataset) or loader.batch_sampler is None:
        return None
    samples = [loader.dataset[each] for each in next(iter(loader.batch_sampler), ())]
    if len(samples) < _FEWEST:
        return None
    others = [_far_off(sample) if place == _REPLACED else sample for place, sample in enumerate(samples)]
    first, again, changed = (_inputs(collate(copy.deepcopy(each))) for each in (samples, samples, others))
    for one, same, new in zip(first, again, changed, strict=True):
        if one.shape == new.shape and one.dim() > 1 and one.is_floating_point() and torch.equal(one, same):
            moved = (one - new).abs().flatten(1).amax(1)
            if len(one) == len(samples) and bool((moved > _TOLERANCE * max(float(one.abs().max()), _TOLERANCE)).all()):
                return SharedStatistics("collate_fn", collate.__name__, "", tuple(one.shape), is_mended=False)
    return None


def _inputs(batch: Any) -> list[torch.Tensor]:
    return [torch.as_tensor(array) for _, array in named_arrays(split(batch)[0])]


def _far_off(sample: Any) -> Any:
    """A sample whose measured values are far larger than those of all others."""

    def changed(array: Any) -> Any:
        values = torch.as_tensor(array)
        if not values.is_floating_point() or not values.numel():
            return array
        far = 5 * values + 3 * values.abs().max() + 1
        return far if isinstance(array, torch.Tensor) else far.numpy()

    return mapped(sample, changed)
