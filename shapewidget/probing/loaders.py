"""What a loader really gives, batch by batch and rank by rank, and whether a model takes it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from shapewidget.diagnosis.diagnose import diagnose
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.findings import Severity
from shapewidget.diagnosis.loader_evidence import LoaderEvidence, Trial
from shapewidget.diagnosis.loading import by_severity, diagnose_loader
from shapewidget.errors import InputError, ShapeWidgetError
from shapewidget.frameworks.adapter import Adapter
from shapewidget.frameworks.loading import empty_rows
from shapewidget.frameworks.nesting import is_array, mapped, named_arrays, numeric, size_of, split
from shapewidget.frameworks.registry import adapter_for, ranks_of
from shapewidget.graph.batches import EmptyRows, Ranks
from shapewidget.graph.padding import CountedPadding
from shapewidget.graph.records import LayerGraph
from shapewidget.probing.edited_loaders import edited
from shapewidget.probing.passes import PATIENCE, Pass, read
from shapewidget.probing.report import Report
from shapewidget.probing.timeline import Timeline

Loss = Callable[..., Any]

_MOST_REPEATED = 1_000
"""How many batches are read once more to try a fix."""


def check_loader(
    loader: Any,
    *,
    model: Any = None,
    loss: Loss | None = None,
    ranks: int | None = None,
    limit: int | None = None,
    patience: float = PATIENCE,
) -> Report:
    """Go through a loader once and say what every batch is, and what is wrong with them.

    The loader, its samplers and all random number generators are left as found.

    Args:
        loader: A DataLoader, a list of batches, a generator that was not started, or anything else that can be gone
            through; a list of DataLoaders is one for each rank.
        model: Is run, on a copy, on the batches that differ: the first, the smallest, the largest, the last.
        loss: Called as ``loss(outputs, targets)`` in those runs.
        ranks: Show what each of so many ranks would read in distributed training; no process is started.
        limit: After how many batches to stop; by default where the loader ends, or after 100 batches if it does not say
            how many it has.
        patience: How many seconds one batch may take before the loader is said to be blocked.

    Returns:
        A report with `.batches`.

    Raises:
        InputError: An argument cannot be used, or the loader can be gone through only once.
        UnsupportedModelError: The model is of no framework that is loaded.
    """
    for name, value in (("ranks", ranks), ("limit", limit)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise InputError(f"{name}={value!r} is no number. Expected a whole number of at least 1, such as 4.")
    if loss is not None and model is None:
        raise InputError("A loss was given without the model whose outputs it takes. Give both: model=..., loss=...")
    shared = ranks_of(loader)
    if shared is not None and ranks not in (None, len(shared.shares)):
        raise InputError(f"ranks={ranks}, but the list has {len(shared.shares)} loaders, one a rank. Leave ranks out.")
    adapter = adapter_for(model) if model is not None else None
    parts = functools.partial(adapter.split, model, loss=loss) if adapter is not None else split
    found = read(loader[0] if shared is not None else loader, parts, limit=limit, patience=patience)
    evidence = gather(found, adapter, model, loss, ranks=ranks, shared=shared)
    findings = diagnose_loader(evidence)
    first = evidence.trials.get(0)
    is_told = any(finding.code in ("SW708", "SW709") for finding in findings)
    if first is not None and first.refusal is not None and not is_told:
        findings = by_severity([*findings, first.refusal])
    graph = LayerGraph((), (), title=evidence.settings.title)
    framework = adapter.name if adapter is not None else ""
    return Report(findings, graph, framework, notes=found.notes, batches=Timeline(evidence.batches, evidence.ranks))


def gather(
    found: Pass,
    adapter: Adapter | None,
    model: Any,
    loss: Loss | None,
    *,
    ranks: int | None = None,
    shared: Ranks | None = None,
) -> LoaderEvidence:
    """All that the rules look at: the pass, and what the model makes of its batches."""
    reading, settings = found.reading, found.reading.settings
    trials, left_out = {}, None
    if adapter is not None:
        tried = ((index, _tried(adapter, model, found.split(batch), loss)) for index, batch in found.kept.items())
        trials = {index: trial for index, trial in tried if trial is not None}
        if found.left_out is not None:
            left_out = _tried(adapter, model, found.split(found.left_out), loss)
    empty = _empty_rows(found)
    inner, repeats = reading.inner_passes(), False
    with reading.untouched():
        if any(0 < one.drawn < one.batches for one in inner):
            with contextlib.suppress(Exception):  # code of the user's, run in another way than it was written for
                repeats = reading.is_whole_when_repeated(_MOST_REPEATED)
        is_blocked = found.failure is not None and found.failure.is_blocked
        workers = reading.worker_share() if not is_blocked else None
        statistics = reading.shared_statistics() if found.failure is None else None
        shared = shared if shared is not None else reading.ranks(ranks)
        mispaired, joins, weighed, rounded = None, False, False, None
        if found.failure is None:
            with contextlib.suppress(Exception):  # the user's code, run in another order than it was written for
                mispaired = reading.mispaired(is_supervised=loss is not None)
                joins = reading.joins_targets()
                settings = replace(settings, drawn_from=reading.part_drawn() or settings.drawn_from)
            with contextlib.suppress(Exception):  # a batch that nobody asks for may raise
                rounded = reading.rounded_off()
        if settings.drawn_from is not None and settings.drawn_from != settings.samples:
            with contextlib.suppress(Exception):  # samples that nobody asks for may raise, and labels be no classes
                weighed = reading.is_whole_when_weighed()
    return LoaderEvidence(
        settings,
        tuple(found.batches),
        found.is_complete,
        found.failure,
        _mended(found, adapter, model, loss),
        trials,
        adapter is not None and loss is not None,
        _with_as_many_labels(found, adapter, model, loss) if adapter is not None and loss is not None else None,
        left_out,
        inner,
        repeats,
        empty,
        _cut_to(found, empty, adapter, model, loss) if adapter is not None and empty is not None else None,
        found.target_step,
        workers,
        shared,
        weighed,
        edited(found, lambda batch: _is_taken(adapter, model, found.split(batch), loss)),
        *_other_axes(found, adapter, model, loss, trials),
        statistics,
        mispaired,
        reading.redrawn(),
        joins,
        _of_rest(found, rounded, adapter, model, loss) if rounded is not None else None,
        _counted_padding(found, adapter, model, loss, trials),
    )


def _tried(adapter: Adapter, model: Any, batch: tuple[Any, Any], loss: Loss | None) -> Trial | None:
    """What the model makes of inputs and targets; None where it cannot be called with them at all."""
    inputs, targets = batch
    try:
        made = adapter.batch(model, inputs, targets if loss is not None else None, None, loss)
        recording = adapter.record(model, made, loss)
    except ShapeWidgetError:
        return None
    found = (diagnosis.finding for diagnosis in diagnose(Evidence(recording.graph, recording.clashes)))
    refusal = next((finding for finding in found if finding.severity is Severity.MISMATCH), None)
    takes_statistics = any("BatchNorm" in layer.type for layer in recording.graph.layers)
    return Trial(refusal, takes_statistics and bool(getattr(model, "training", False)))


def _of_rest(found: Pass, rest: Any, adapter: Adapter | None, model: Any, loss: Loss | None) -> Trial | None:
    """What the model makes of a batch that no pass gives; without a model it is taken."""
    return _tried(adapter, model, found.split(rest), loss) if adapter is not None else Trial()


def _counted_padding(
    found: Pass, adapter: Adapter | None, model: Any, loss: Loss | None, trials: Mapping[int, Trial]
) -> CountedPadding | None:
    """Padding among the labels that the loss counts; None where a batch is refused, or was not made to one length."""
    is_taken = trials and all(trial.refusal is None for trial in trials.values())
    if adapter is None or loss is None or found.failure is not None or not is_taken:
        return None
    with contextlib.suppress(Exception), found.reading.untouched():  # samples that nobody asks for may raise
        padded = found.reading.padded_labels()
        if padded is not None:
            inputs, targets = found.split(padded[0])
            batch = adapter.batch(model, inputs, targets, None, loss)
            return adapter.counted_padding(model, batch, loss, padded[1])
    return None


def _is_taken(adapter: Adapter | None, model: Any, batch: tuple[Any, Any], loss: Loss | None) -> bool:
    """Whether the model takes a batch; without a model all are taken."""
    trial = _tried(adapter, model, batch, loss) if adapter is not None else None
    return trial is None or trial.refusal is None


def _mended(found: Pass, adapter: Adapter | None, model: Any, loss: Loss | None) -> Trial | None:
    batch = found.reading.mended
    if adapter is None or batch is None:
        return Trial() if batch is not None else None
    return _tried(adapter, model, found.split(batch), loss)


def _with_as_many_labels(found: Pass, adapter: Adapter, model: Any, loss: Loss) -> Trial | None:
    """The first batch again with one label for each sample, repeated or cut; None where they are as many already."""
    inputs, targets = found.split(found.first)
    samples = size_of(inputs)
    labels = int(targets.shape[0]) if is_array(targets) and len(targets.shape) else None
    if samples is None or not labels or labels == samples:
        return None
    return _tried(adapter, model, (inputs, numeric(targets)[[place % labels for place in range(samples)]]), loss)


def _other_axes(
    found: Pass, adapter: Adapter | None, model: Any, loss: Loss | None, trials: Mapping[int, Trial]
) -> tuple[Trial | None, Trial | None]:
    """The first batch, where it is refused, with its first axis taken away, and with one more in front."""
    first = trials.get(0)
    if adapter is None or first is None or first.refusal is None or found.failure is not None:
        return None, None
    batch = found.split(found.first)
    shapes = [tuple(array.shape) for _, array in named_arrays(batch)]
    if len({shape[:1] for shape in shapes}) > 1:  # no axis that all share: single samples
        return None, _tried(adapter, model, mapped(batch, lambda array: numeric(array)[None]), loss)
    if min(map(len, shapes)) > 1 and len({shape[:2] for shape in shapes}) == 1:
        return _tried(adapter, model, mapped(batch, lambda array: numeric(array)[0]), loss), None
    return None, None


def _cut_to(found: Pass, empty: EmptyRows, adapter: Adapter, model: Any, loss: Loss | None) -> Trial | None:
    """The last batch with the rows alone that hold a sample."""
    inputs, targets = found.split(found.kept[empty.index])
    if not is_array(inputs) or not is_array(targets):
        return None
    return _tried(adapter, model, (inputs[: empty.filled], targets[: empty.filled]), loss)


def _empty_rows(found: Pass) -> EmptyRows | None:
    """Zeros at the end of the last batch of a pass that came to its end."""
    if not found.is_complete or len(found.batches) < 2 or found.batches[-1].size != found.batches[0].size:
        return None
    *others, (index, last) = found.kept.items()
    return empty_rows(index, last, [batch for _, batch in others])
