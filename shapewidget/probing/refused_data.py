"""What is said of data that was refused as it was put together, before any loader gave a batch."""

from __future__ import annotations

import sys

from shapewidget.diagnosis.findings import Finding
from shapewidget.diagnosis.rules.batched_first import refuses_batches
from shapewidget.diagnosis.rules.labels import inputs_in_a_list, parts_are_not_the_whole
from shapewidget.frameworks.split_lengths import refused_split, with_the_rest
from shapewidget.probing.unequal import unequal


def refused_data(error: Exception) -> list[Finding]:
    """Arrays that are not of one length, a split that does not add up, a step for samples that is given batches."""
    return unequal(error) or _split(error) or _of_tensorflow(error)


def _split(error: Exception) -> list[Finding]:
    found = refused_split(error)
    if found is None:
        return []
    edit = with_the_rest(found.source) if found.is_mended else None
    return [parts_are_not_the_whole(found.samples, found.lengths, found.source, edit, is_mended=found.is_mended)]


def _of_tensorflow(error: Exception) -> list[Finding]:
    if "tensorflow" not in sys.modules or "keras" not in sys.modules:
        return []
    from shapewidget.frameworks.keras.listed_inputs import as_tuple, listed_inputs
    from shapewidget.frameworks.keras.refused_maps import mapped_before_batching, refused_map

    mapped = refused_map(error)
    if mapped is not None:
        edit = mapped_before_batching(mapped.source)
        shapes = mapped.batch, mapped.sample, mapped.made
        return [refuses_batches(mapped.function, mapped.stage, *shapes, mapped.source, edit)]
    listed = listed_inputs(error)
    if listed is not None:
        edit = as_tuple(listed.source)
        return [inputs_in_a_list(listed.count, listed.shape, listed.samples, listed.source, edit)]
    return []
