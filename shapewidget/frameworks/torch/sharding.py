"""What every rank, and every worker, reads of a data set; no process is started to find out."""

from __future__ import annotations

import copy
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import torch
from torch.utils.data import BatchSampler, DataLoader, DistributedSampler, RandomSampler, Subset
from torch.utils.data._utils import worker as torch_worker

from shapewidget.frameworks.nesting import named_arrays
from shapewidget.graph.batches import Ranks, RankShare, WorkerShare

_MOST_SAMPLES = 10_000
_MOST_ARRAYS = 16


def divided(loader: DataLoader[Any], ranks: int) -> list[DataLoader[Any]]:
    """One loader for each rank, with the sampler that distributed training would give it.

    A sampler that divides among fewer ranks than there are is given their numbers anew on every machine.
    """
    own = _sampler(loader)
    if hasattr(own, "num_replicas") and hasattr(own, "rank"):
        samplers = [copy.copy(own) for _ in range(ranks)]
        for rank, sampler in enumerate(samplers):
            sampler.rank = rank % int(own.num_replicas)
    else:
        shuffles, drop = isinstance(own, RandomSampler), bool(loader.drop_last)
        samplers = [
            DistributedSampler(loader.dataset, ranks, rank, shuffle=shuffles, drop_last=drop) for rank in range(ranks)
        ]
    return [_with_sampler(loader, sampler) for sampler in samplers]


def _sampler(loader: DataLoader[Any]) -> Any:
    """What draws the samples: the sampler inside of a standard batch sampler, else the batch sampler itself."""
    batches = loader.batch_sampler
    return loader.sampler if batches is None else batches.sampler if isinstance(batches, BatchSampler) else batches


def _with_sampler(loader: DataLoader[Any], sampler: Any) -> DataLoader[Any]:
    twin = copy.copy(loader)
    batches = loader.batch_sampler
    if isinstance(batches, BatchSampler):
        batches = copy.copy(batches)
        batches.sampler = sampler
    elif batches is not None and type(sampler) is type(batches):
        batches = sampler
    vars(twin).update(sampler=sampler, batch_sampler=batches, _iterator=None, persistent_workers=False)
    return twin


def share(loader: DataLoader[Any], rank: int) -> RankShare:
    """What the loader of one rank reads in an epoch, as rows of the whole data."""
    sampler = _sampler(loader)
    rows, _ = rows_of(loader.dataset)
    drawn = loader.batch_sampler if loader.batch_sampler is not None else loader.sampler
    batches = [list(batch) if isinstance(batch, list | tuple) else [batch] for batch in drawn]
    indices = list(sampler) if type(loader.batch_sampler) is BatchSampler else [i for batch in batches for i in batch]
    replicas = getattr(sampler, "num_replicas", None)
    shuffles = isinstance(sampler, RandomSampler) or bool(getattr(sampler, "shuffle", False))
    return RankShare(
        rank,
        tuple(rows[index] for index in indices if index < len(rows)),
        len(batches),
        len(rows),
        int(replicas) if replicas is not None else None,
        shuffles,
        bool(getattr(sampler, "drop_last", False)),
        tuple(map(len, batches)),
    )


def rows_of(dataset: Any) -> tuple[list[int], int]:
    """Where the samples of a data set stand in the data that it is a part of, and how long that is.

    A `Subset` names the samples that it takes; a data set over a slice of a longer tensor or array shows it in the
    memory that they share. Any other data set is the whole data.
    """
    if isinstance(dataset, Subset):
        rows, length = rows_of(dataset.dataset)
        return [rows[int(index)] for index in dataset.indices], length
    count = len(dataset)
    for array in _arrays_held(dataset):
        found = _slice_of(array) if len(array.shape) and array.shape[0] == count > 1 else None
        if found is not None:
            first, step, length = found
            return [first + step * place for place in range(count)], length
    return list(range(count)), count


def ranks_of(loaders: Sequence[DataLoader[Any]]) -> Ranks:
    """What the ranks read, each with a loader of its own."""
    datasets = [loader.dataset for loader in loaders]
    shares = tuple(share(loader, rank) for rank, loader in enumerate(loaders))
    same = _same_data(datasets)
    parts = [rows_of(dataset) for dataset in datasets]
    if same is False:
        rows = whole = sum(len(rows) for rows, _ in parts)
    else:
        rows, whole = len({row for rows, _ in parts for row in rows}), max(length for _, length in parts)
    dealt = same is not False and _is_once_when_dealt(datasets[0], len(loaders))
    return Ranks(shares, rows, whole, same, _is_whole_when_divided(whole, len(loaders)), dealt)


def _is_once_when_dealt(dataset: Any, ranks: int) -> bool:
    """Whether every so many samples, one part for each rank, are all samples once."""
    parts = [Subset(dataset, range(rank, len(dataset), ranks)) for rank in range(ranks)]
    return sorted(row for part in parts for row in rows_of(part)[0]) == sorted(rows_of(dataset)[0])


def _is_whole_when_divided(samples: int, ranks: int) -> bool:
    rows: Any = range(samples)
    samplers: list[DistributedSampler[Any]] = [DistributedSampler(rows, ranks, rank) for rank in range(ranks)]
    drawn = [list(sampler) for sampler in samplers]
    return {row for rows in drawn for row in rows} == set(range(samples)) and max(map(len, drawn)) == -(
        -samples // ranks
    )


def _same_data(datasets: Sequence[Any]) -> bool | None:
    """Whether data sets are views of the same data; None where a sample changes each time that it is read."""
    if len({id(_root(dataset)) for dataset in datasets}) == 1 or len(set(map(_memory_of, datasets)) - {None}) == 1:
        return True
    roots = [_root(dataset) for dataset in datasets]
    places = [(0, len(root) // 2, len(root) - 1) for root in roots]
    digests = [[_digest(root[place]) for place in at] for root, at in zip(roots, places, strict=True)]
    if any(_digest(root[0]) != own[0] for root, own in zip(roots, digests, strict=True)):
        return None
    if all(own == digests[0] for own in digests):
        return True
    is_disjoint = len({digest for own in digests for digest in own}) == sum(len(set(own)) for own in digests)
    return False if is_disjoint else None


def _root(dataset: Any) -> Any:
    return _root(dataset.dataset) if isinstance(dataset, Subset) else dataset


def _memory_of(dataset: Any) -> int | None:
    root = _root(dataset)
    arrays = [array for array in _arrays_held(root) if len(array.shape) and array.shape[0] == len(root)]
    return _memory(arrays[0]) if arrays else None


def _arrays_held(dataset: Any) -> list[Any]:
    values = vars(dataset).values() if hasattr(dataset, "__dict__") else ()
    return [array for value in values for _, array in islice(named_arrays(value), _MOST_ARRAYS)]


def _memory(array: Any) -> int:
    if isinstance(array, torch.Tensor):
        return array.untyped_storage().data_ptr()
    return id(array.base) if getattr(array, "base", None) is not None else id(array)


def _slice_of(array: Any) -> tuple[int, int, int] | None:
    """First row, step and number of rows of the longer array that this one is a slice of; None if it is all of it."""
    if isinstance(array, torch.Tensor):
        row, stride, offset = array[0].numel(), array.stride(0), array.storage_offset()
        total = array.untyped_storage().nbytes() // array.element_size()
        is_whole = not array[0].is_contiguous()
    else:
        base = getattr(array, "base", None)
        if base is None or getattr(base, "shape", ())[1:] != array.shape[1:] or base.dtype != array.dtype:
            return None
        row, total = array[0].size, base.size
        address = array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        stride, offset = array.strides[0] // array.itemsize, address // array.itemsize
        is_whole = not base.flags.c_contiguous
    if is_whole or not row or stride < row or stride % row or total % row or offset % row or total // row <= len(array):
        return None
    return offset // row, stride // row, total // row


# -- workers ----------------------------------------------------------------------------------------------------------


def worker_share(loader: DataLoader[Any]) -> WorkerShare | None:
    """What the workers read together, where each of them reads all of it; None where they do not."""
    alone = Counter(map(_digest, islice(iter(copy.deepcopy(loader.dataset)), _MOST_SAMPLES + 1)))
    together: Counter[bytes] = Counter()
    for worker in range(loader.num_workers):
        together.update(map(_digest, islice(_worker(loader, worker), _MOST_SAMPLES + 1)))
    if not 0 < alone.total() <= _MOST_SAMPLES:
        return None
    if any(together[digest] != count * loader.num_workers for digest, count in alone.items()):
        return None
    taken: Counter[bytes] = Counter()
    for worker in range(loader.num_workers):
        part = islice(iter(copy.deepcopy(loader.dataset)), worker, None, loader.num_workers)
        taken.update(map(_digest, islice(part, _MOST_SAMPLES + 1)))
    return WorkerShare(loader.num_workers, together.total(), alone.total(), taken == alone)


def _worker(loader: DataLoader[Any], worker: int) -> Iterator[Any]:
    """The samples of one worker, as its copy of the data set gives them."""
    before = torch_worker._worker_info
    dataset = copy.deepcopy(loader.dataset)
    torch_worker._worker_info = torch_worker.WorkerInfo(
        id=worker, num_workers=loader.num_workers, seed=worker, dataset=dataset
    )
    try:
        if loader.worker_init_fn is not None:
            loader.worker_init_fn(worker)
        yield from iter(dataset)
    finally:
        torch_worker._worker_info = before


def _digest(sample: Any) -> bytes:
    found = hashlib.blake2b(digest_size=16)
    arrays = list(named_arrays(sample))
    for name, array in arrays:
        found.update(name.encode())
        found.update(array.detach().cpu().numpy().tobytes() if isinstance(array, torch.Tensor) else array.tobytes())
    if not arrays:
        found.update(repr(sample).encode())
    return found.digest()
