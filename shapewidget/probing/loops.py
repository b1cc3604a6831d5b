"""What a captured block did with its loaders, its gradients and its epochs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from shapewidget.diagnosis.findings import Finding, Severity
from shapewidget.diagnosis.loader_evidence import LoaderEvidence, Origins
from shapewidget.diagnosis.rules.accumulation import accumulation
from shapewidget.diagnosis.rules.loading import (
    loop_ends_with_shorter,
    short_batch_of,
    short_batch_refused,
    shorter_loader_ends,
)
from shapewidget.diagnosis.rules.pairing import labels_of_others
from shapewidget.diagnosis.rules.passes import (
    always_the_first_batch,
    empty_batches,
    iterator_used_up,
    last_batch_counted_full,
)
from shapewidget.diagnosis.rules.redrawn import drawn_at_the_wrong_time
from shapewidget.diagnosis.rules.sharding import same_order_every_epoch
from shapewidget.frameworks.adapter import Adapter, Called, Watch
from shapewidget.frameworks.registry import adapter_for, reading_of
from shapewidget.graph.training import Stream
from shapewidget.probing.loaders import check_loader
from shapewidget.probing.loop_fixes import with_fix
from shapewidget.probing.refused_batches import RefusedBatch

_LABELS = "SW713"
_IN_ONE_ELEMENT = "SW749"
_CAUSES = (_LABELS, "SW708", "SW709")
_AT_INPUT = ("SW110", "SW114")
_AT_LOSS = ("SW301", "SW302", "SW305")
_UNMADE = ("SW711", "SW712")
_MOST_READ_AGAIN = 1_000
"""How many batches are read again to come to the one that could not be made."""


def trained_wrongly(watch: Watch) -> Iterator[Finding]:
    """What is wrong with a loop although it runs."""
    yield from map(same_order_every_epoch, watch.same_epoch())
    log = watch.training()
    yield from loop_ends_with_shorter(log)
    yield from always_the_first_batch(log)
    yield from iterator_used_up(log)
    yield from last_batch_counted_full(log)
    yield from (_as_the_loader_has_it(watch, each) for each in empty_batches(log))
    yield from (with_fix(watch, mistake) for mistake in accumulation(log))
    told = [each for loader, model in watch.loaders() for each in _seen_without_a_pass(loader, model)]
    yield from dict.fromkeys(told)  # a `fit` reads its data set through another one of the same stages


def _as_the_loader_has_it(watch: Watch, seen: Finding) -> Finding:
    """An empty batch, told of the loader that was handed over: `fit` reads it through one of its own, in any order."""
    for loader, _ in watch.loaders():
        with contextlib.suppress(Exception):  # the user's code, run in another order than it was written for
            found = [each for each in check_loader(loader, limit=_MOST_READ_AGAIN).findings if each.code == seen.code]
            if found:
                return found[0]
    return seen


def _seen_without_a_pass(loader: Any, model: Any) -> list[Finding]:
    """What a loader is found to do wrong although none of its batches is at fault, and it is not gone through again.

    Only where all of its samples are in one element is that read, for the model that was fitted with it.
    """
    with contextlib.suppress(Exception):  # the user's code, run in another order than it was written for
        reading = reading_of(loader)
        with reading.untouched():
            origins = Origins(
                inner=reading.inner_passes(),
                is_whole_when_repeated=reading.is_whole_when_repeated(0),
                mispaired=reading.mispaired(is_supervised=model is not None),
                redrawn=reading.redrawn(),
            )
            evidence = LoaderEvidence(reading.settings, origins=origins)
        rules = (labels_of_others, drawn_at_the_wrong_time, shorter_loader_ends)
        found = [each for rule in rules for each in rule(evidence)]
        if reading.in_one_element() is not None:
            found += [it for it in check_loader(loader, model=model, limit=1).findings if it.code == _IN_ONE_ELEMENT]
        return found
    return []


def of_last_batch(watch: Watch, found: list[Finding]) -> list[Finding]:
    """What a block was refused, told to be the last batch's fault where all full ones were taken before."""
    log = watch.training()
    short = [(each, short_batch_of(each, log) if each.severity is Severity.MISMATCH else None) for each in found]
    return [
        each if stream is None else short_batch_refused(_also_of_full_batches(watch, each, stream), stream, log.calls)
        for each, stream in short
    ]


def _also_of_full_batches(watch: Watch, refused: Finding, stream: Stream) -> Finding:
    """What a short batch was refused, with a fix of the model that leaves the full ones as they are, or with none."""
    for adapter, called in _first_calls(watch):
        with contextlib.suppress(Exception):  # the block's own error is what has to come out
            model, loss = called.model, called.loss
            taken = adapter.batch(model, called.inputs, called.targets, None, loss)
            short = adapter.resized(model, taken, {**adapter.sizes(taken), "B": stream.newest or 1})
            mended = RefusedBatch(adapter, model, loss, short, taken).mended(refused)
            if mended is not None:
                return mended
    return refused


def _first_calls(watch: Watch) -> Iterator[tuple[Adapter, Called]]:
    """The models of a block with the first batch that each was called with, or that its loader gives."""
    for called in watch.models():
        yield adapter_for(called.model), called
    for loader, model in watch.loaders():
        with contextlib.suppress(Exception):  # the block's own error is what has to come out
            if model is not None:
                adapter, reading = adapter_for(model), reading_of(loader)
                with reading.untouched():
                    inputs, _ = adapter.split(model, next(iter(reading.batches())), None)
                yield adapter, Called("", model, inputs)


def of_loader(watch: Watch, found: list[Finding]) -> list[Finding]:
    """Findings that were made in a loader already, told there: labels that are not as many, batches of batches."""
    surfaced = [each for each in found if each.code in (*_AT_LOSS, *_AT_INPUT)]
    is_of_axes = any(each.code in _AT_INPUT for each in surfaced)
    for loader, model in watch.loaders() if surfaced else ():
        with contextlib.suppress(Exception):  # the block's own error is what has to come out
            odd = [
                each
                for each in check_loader(loader, model=model if is_of_axes else None, limit=1).findings
                if each.code in _CAUSES
            ]
            causes = [each for each in surfaced if odd and _is_cause(odd[0], each)]
            if causes:
                return [odd[0], *(each for each in found if each not in causes)]
    return found


def _is_cause(of_loader: Finding, surfaced: Finding) -> bool:
    if of_loader.code != _LABELS:
        return surfaced.code in _AT_INPUT
    return surfaced.code in _AT_LOSS and _first_sizes(of_loader) == _first_sizes(surfaced)


def _first_sizes(found: Finding) -> set[object]:
    """The two sizes of the first axis that a finding is about."""
    return {each[0] if isinstance(each, tuple) and each else each for each in (found.expected, found.got)}


def unmade_batch(watch: Watch) -> list[Finding]:
    """Why a loader of the block could not give a batch; empty where none raised, or where it does not raise again."""
    failed = watch.failed_loader()
    if failed is None or failed[1] >= _MOST_READ_AGAIN:
        return []
    with contextlib.suppress(Exception):  # the block's own error is what has to come out
        found = check_loader(failed[0], limit=failed[1] + 1).findings
        return [finding for finding in found if finding.code in _UNMADE]
    return []
