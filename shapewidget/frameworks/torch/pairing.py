"""Whether a collate function keeps every label with its sample: the first batches are made again, in another order."""

from __future__ import annotations

import contextlib
import copy
import random
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate, default_convert

from shapewidget.frameworks.held_arrays import HeldArrays, Pairs
from shapewidget.frameworks.nesting import classes_of, is_array, named_arrays, split
from shapewidget.frameworks.pairing import misnumbered, order_matters, renumbered, rows_of
from shapewidget.frameworks.torch.columns import columns_as_rows
from shapewidget.frameworks.torch.guard import same_random_state
from shapewidget.frameworks.torch.joined_indices import misplaced
from shapewidget.graph.batches import Mispaired, RowsApart

_BATCHES = 4
_MOST_SAMPLES = 256
_SECONDS = 20.0
"""How long samples are read to compare orders."""


def mispaired(loader: DataLoader[Any]) -> Mispaired | None:
    """Labels that the collate function, or the data set, gives to other samples; None where it gives each its own."""
    if isinstance(loader.dataset, IterableDataset) or loader.batch_sampler is None:
        return None
    collate = loader.collate_fn
    if collate not in (default_collate, default_convert):
        found = _collated(collate, list(_read(loader)), loader)
        if found is not None:
            return found
    return _held(loader.dataset)


def _read(loader: DataLoader[Any]) -> Iterator[list[Any]]:
    """The samples of the first batches; of fewer where they take long to read."""
    ends = time.monotonic() + _SECONDS
    for indices in islice(loader.batch_sampler or (), _BATCHES):
        samples = []
        for each in list(indices)[:_MOST_SAMPLES]:
            samples.append(loader.dataset[each])
            if time.monotonic() > ends:
                return
        yield samples


def joins_targets(loader: DataLoader[Any]) -> bool:
    """Whether the targets of a batch are the rows of all its samples, which may have any number of them."""
    if isinstance(loader.dataset, IterableDataset) or loader.batch_sampler is None:
        return False
    if loader.collate_fn is default_collate:
        return False
    samples = [loader.dataset[each] for each in next(iter(loader.batch_sampler), ())]
    own = [split(sample)[1] for sample in samples]
    rows = [len(each) for each in own if isinstance(each, list) or (is_array(each) and len(each.shape))]
    targets = split(_made(loader.collate_fn, samples)[0])[1] if samples else None
    return targets is not None and is_array(targets) and sum(rows) == len(targets) != len(samples)


def _collated(collate: Callable[[Any], Any], batches: list[list[Any]], loader: DataLoader[Any]) -> Mispaired | None:
    if not batches or len(batches[0]) < 2:
        return None
    step = str(getattr(collate, "__name__", type(collate).__name__))
    first, draws = _made(collate, batches[0])
    turned = columns_as_rows(batches[0], first, step)
    if turned is not None:
        return turned
    with contextlib.suppress(Exception):  # samples may hold anything
        moved = misplaced(collate, batches[0], first, step)
        if moved is not None:
            return moved
    backwards, _ = _made(collate, batches[0][::-1])
    others = [_made(collate, batch)[0] for batch in batches[1:]]
    arrays = _arrays(first)
    if not draws or len(arrays) == 2:
        found = order_matters(arrays, _arrays(backwards), _arrays(others[0]) if others else (), step)
        if found is not None:
            return found
    targets = split(first)[1]
    own = [[split(sample)[1] for sample in batch] for batch in batches]
    if not is_array(targets):
        return None
    if len(targets.shape) == 2:
        return misnumbered(own[0], targets, step)
    classes = [classes_of(each) for each in own]
    numbers = [_numbers(made) for made in (first, *others)]
    pairs = [(a, b) for a, b in zip(classes, numbers, strict=True) if a is not None and b is not None]
    is_of_whole = len(pairs) == len(batches) and all(len(a) == len(b) for a, b in pairs)
    has_episodes = type(loader.batch_sampler).__module__.split(".")[0] != "torch"
    return renumbered(pairs, step) if is_of_whole and not has_episodes else None


def _made(collate: Callable[[Any], Any], samples: list[Any]) -> tuple[Any, bool]:
    """A batch, and whether random numbers were drawn for it."""
    with same_random_state():
        before = _drawn()
        made = collate(_copied(samples))
        return made, _drawn() != before


def _copied(samples: list[Any]) -> list[Any]:
    """Samples that a function may write to; of a tensor that is a part of a larger one, only that part."""
    own = [tensor for _, tensor in named_arrays(samples) if isinstance(tensor, torch.Tensor)]
    return copy.deepcopy(samples, {id(tensor): tensor.detach().clone() for tensor in own})


def _drawn() -> tuple[object, ...]:
    """The states of the generators that a function may draw from without being given one."""
    numpy = sys.modules.get("numpy")
    state = str(numpy.random.get_state(legacy=False)) if numpy is not None else ""
    return random.getstate(), bytes(torch.get_rng_state().tolist()), state


def _arrays(batch: Any) -> list[Any]:
    return [array for _, array in named_arrays(_unpacked(batch))]


def _unpacked(value: Any) -> Any:
    """The batch with packed sequences as a row for each sample."""
    if isinstance(value, PackedSequence):
        return pad_packed_sequence(value, batch_first=True)[0]
    if type(value) in (list, tuple):
        return [_unpacked(item) for item in value]
    return {key: _unpacked(item) for key, item in value.items()} if isinstance(value, dict) else value


def _numbers(batch: Any) -> list[int] | None:
    targets = split(batch)[1]
    is_ids = is_array(targets) and len(targets.shape) == 1 and "int" in str(targets.dtype)
    return [int(each) for each in targets] if is_ids else None


def _held(dataset: Dataset[Any]) -> RowsApart | None:
    """Samples whose label is not that which stands beside their input in the arrays of the data set."""
    if type(dataset).__module__.split(".")[0] == "torch" or not hasattr(dataset, "__dict__"):
        return None
    held, count = HeldArrays(vars(dataset)), len(dataset)  # type: ignore[arg-type]
    return held.given_apart(lambda: _pairs(dataset, count), f"{type(dataset).__name__}.__getitem__")


def _pairs(dataset: Dataset[Any], count: int) -> Pairs:
    for place in range(count):
        yield from _pair(dataset[place])


def _pair(sample: Any) -> Iterator[tuple[bytes, bytes]]:
    if isinstance(sample, tuple | list) and len(sample) == 2:
        rows = [rows_of(torch.as_tensor(each)[None]) for each in sample]
        if rows[0] is not None and rows[1] is not None:
            yield rows[0][0], rows[1][0]
