"""Arrays that were to be one data set and are not of one length: what is said of them, and a way to read them."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from shapewidget.diagnosis.diagnose import diagnose
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.findings import Finding, Severity
from shapewidget.diagnosis.rules.labels import arrays_of_two_lengths
from shapewidget.frameworks.adapter import Adapter, Failure
from shapewidget.frameworks.registry import loaded_adapters
from shapewidget.frameworks.unequal import Reshaped, Unequal, edited, reshaped, unequal_arrays


def unequal(error: Exception) -> list[Finding]:
    """What is said of arrays of several lengths that were to be one data set; empty where the error is another."""
    found = unequal_arrays(error)
    if found is None:
        return []
    with contextlib.suppress(Exception):  # the block's own error is what has to come out
        made = next((each for each in reshaped(found) if _is_taken(found, each, error)), None)
        if made is not None:
            return [_with_fix(found, made)]
    return [arrays_of_two_lengths(found.title, found.lengths, found.source)]


def _is_taken(found: Unequal, made: Reshaped, error: Exception) -> bool:
    """Whether the model, if there is one, and its loss take inputs and labels that are read in that way."""
    if found.title != "fit":
        return True
    for adapter in loaded_adapters():
        failure = adapter.failure(error)
        if failure is not None and failure.model is not None:
            return _runs(adapter, failure, made)
    return False


def _runs(adapter: Adapter, failure: Failure, made: Reshaped) -> bool:
    batch = adapter.batch(failure.model, made.inputs, made.targets, None, failure.loss)
    recording = adapter.record(failure.model, batch, failure.loss)
    told = diagnose(Evidence(recording.graph, recording.clashes))
    return recording.stopped is None and all(each.finding.severity is Severity.NOTE for each in told)


def _with_fix(found: Unequal, made: Reshaped) -> Finding:
    edit = edited(found.source, made)
    name = ("the inputs", "the labels")[made.place]
    fix = " ".join(line.strip() for line in edit.after) if edit is not None else f"{name}{made.method}"
    shape = tuple(map(int, found.arrays[0].shape))
    why = f" The inputs are {shape}: one sample of {shape[1]} steps, and there is a label for each step."
    if made.method == ".T":
        why = f" The inputs are {shape}, with the samples along axis 1 and the features along axis 0."
    patch = edit.diff() if edit is not None else None
    said = arrays_of_two_lengths(found.title, found.lengths, found.source, why)
    return replace(said, fix=fix, patch=patch, verified=True)
