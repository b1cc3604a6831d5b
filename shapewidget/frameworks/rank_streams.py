"""What every rank reads of streams: data sets that are gone through in their own order, with no sampler to divide."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice

from shapewidget.frameworks.loading import Reading
from shapewidget.frameworks.nesting import named_arrays, numeric, size_of
from shapewidget.graph.batches import Ranks, RankShare

_MOST_SAMPLES = 10_000


def ranks_of_streams(readings: Sequence[Reading], dividing: str) -> Ranks | None:
    """What the ranks read, each with a loader of its own; None where a stream is too long to tell.

    Samples are known by what they hold. Where one rank gives two that are alike, or others in another pass, it is not
    known which are the same.

    Args:
        readings: How to go through the loader of each rank.
        dividing: How such a stream is divided among ranks.
    """
    passes = [_pass(reading) for reading in readings]
    again = _pass(readings[0])
    if None in passes or again is None:
        return None
    numbers: dict[bytes, int] = {}
    shares = []
    for rank, batches in enumerate(each for each in passes if each is not None):
        rows = [numbers.setdefault(sample, len(numbers)) for batch in batches for sample in batch]
        sizes = tuple(map(len, batches))
        shares.append(RankShare(rank, tuple(rows), len(batches), len(rows), None, shuffles=False, sizes=sizes))
    is_known = passes[0] == again and all(len(set(share.rows)) == len(share.rows) for share in shares)
    is_all = len(shares[0].rows) == len(numbers)
    return Ranks(
        tuple(shares),
        len(numbers),
        len(numbers),
        same_data=True if is_known else None,
        is_once_when_dealt=is_known and is_all,
        dividing=dividing,
    )


def _pass(reading: Reading) -> list[list[bytes]] | None:
    """The samples of every batch, by what they hold; None for a stream that is too long."""
    with reading.untouched():
        found, count = [], 0
        for batch in reading.batches():
            found.append(list(_samples(batch)))
            count += len(found[-1])
            if count > _MOST_SAMPLES:
                return None
    return found


def _samples(batch: object) -> Iterator[bytes]:
    arrays = [numeric(array) for _, array in named_arrays(batch)]
    for place in range(size_of(batch) or 0):
        found = hashlib.blake2b(digest_size=16)
        for array in islice((each for each in arrays if len(each.shape) and len(each) > place), 16):
            row = array[place]
            found.update((row.detach().cpu().numpy() if hasattr(row, "detach") else row).tobytes())
        yield found.digest()
