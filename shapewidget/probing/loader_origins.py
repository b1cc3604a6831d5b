"""Where the samples of a loader's batches come from: further passes over it, and over what it reads."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import Any

from shapewidget.diagnosis.loader_evidence import Origins
from shapewidget.graph.batches import LoaderSettings, Ranks
from shapewidget.probing.passes import Pass

_MOST_REPEATED = 1_000
"""How many batches are read once more to try a fix."""


@dataclass(frozen=True)
class Traced:
    """What further passes told.

    Attributes:
        origins: Where the samples come from.
        settings: How the loader was set up, and how many samples its sampler draws from.
        rounded_off: A batch of the samples that a length rounded down leaves out.
    """

    origins: Origins
    settings: LoaderSettings
    rounded_off: Any | None = None


def traced(found: Pass, *, is_supervised: bool, ranks: int | None, shared: Ranks | None) -> Traced:
    """Look behind the batches of a pass; the loader is left as found.

    Args:
        found: The pass.
        is_supervised: Whether a loss compares the first part of a batch with the second.
        ranks: Among how many ranks it would be split.
        shared: What the ranks read, where that is known.

    Raises:
        InputError: Ranks were asked for, and the loader cannot be split.
    """
    reading, settings = found.reading, found.reading.settings
    origins, rounded = Origins(reading.inner_passes(), redrawn=reading.redrawn(), skipped=reading.skipped()), None
    origins = replace(origins, nested_sets=reading.nested_sets(), in_one_element=reading.in_one_element())
    is_blocked = found.failure is not None and found.failure.is_blocked
    with reading.untouched():
        if any(0 < one.drawn < one.batches for one in origins.inner):
            with contextlib.suppress(Exception):  # code of the user's, run in another way than it was written for
                origins = replace(origins, is_whole_when_repeated=reading.is_whole_when_repeated(_MOST_REPEATED))
        origins = replace(
            origins,
            workers=reading.worker_share() if not is_blocked else None,
            statistics=reading.shared_statistics() if found.failure is None else None,
            ranks=shared if shared is not None else reading.ranks(ranks),
        )
        if found.failure is None:
            with contextlib.suppress(Exception):  # the user's code, run in another order than it was written for
                origins = replace(origins, mispaired=reading.mispaired(is_supervised=is_supervised))
                origins = replace(origins, joins_targets=reading.joins_targets())
                settings = replace(settings, drawn_from=reading.part_drawn() or settings.drawn_from)
            with contextlib.suppress(Exception):  # a batch that nobody asks for may raise
                rounded = reading.rounded_off()
        if settings.drawn_from is not None and settings.drawn_from != settings.samples:
            with contextlib.suppress(Exception):  # samples that nobody asks for may raise, and labels be no classes
                origins = replace(origins, is_whole_when_weighed=reading.is_whole_when_weighed())
    return Traced(origins, settings, rounded)
