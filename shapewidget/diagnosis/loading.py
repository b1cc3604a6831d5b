"""All rules over one loader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from shapewidget.diagnosis.findings import Finding, Severity
from shapewidget.diagnosis.loader_evidence import LoaderEvidence
from shapewidget.diagnosis.rules import (
    batched_first,
    kept_states,
    label_padding,
    labels,
    loading,
    pairing,
    redrawn,
    sharding,
    unmade,
)

RULES: tuple[Callable[[LoaderEvidence], Iterator[Finding]], ...] = (
    unmade.pass_failed,
    loading.batched_wrongly,
    loading.elements_are_data_sets,
    loading.all_in_one_element,
    labels.labels_not_as_many,
    labels.labels_turned,
    labels.samples_behind,
    labels.classes_not_from_zero,
    loading.batch_refused,
    loading.samples_left_out,
    loading.draws_from_others,
    loading.batch_empty,
    loading.rows_left_out,
    loading.loader_gives_nothing,
    loading.longer_than_said,
    loading.shorter_loader_ends,
    labels.rows_of_zeros,
    labels.target_in_inputs,
    pairing.labels_of_others,
    label_padding.padding_counted,
    redrawn.drawn_at_the_wrong_time,
    kept_states.state_goes_on_elsewhere,
    batched_first.statistics_of_the_batch,
    sharding.workers_repeat,
    sharding.ranks_share_badly,
    loading.last_batch,
)
MADE_WRONGLY = ("SW736", "SW737", "SW739")
"""Batches whose samples lie along another axis than the first, or whose classes are numbered otherwise."""
_ORDER = {severity: place for place, severity in enumerate(Severity)}


def diagnose_loader(evidence: LoaderEvidence) -> tuple[Finding, ...]:
    """What is wrong with a loader, the most serious first."""
    return by_severity(finding for rule in RULES for finding in rule(evidence))


def with_model(of_loader: Iterable[Finding], of_model: Iterable[Finding]) -> tuple[Finding, ...]:
    """What is wrong with a loader and a model.

    A batch size that is written down is told of the batch that it refuses. Of batches that are made wrongly nothing is
    told that the model or its loss makes of them.
    """
    told = list(of_loader)
    refused = {each.layer_id for each in told if each.code == "SW702"}
    of_model = [it for it in of_model if it.code != "SW502" or it.layer_id not in refused]
    return by_severity(told if any(each.code in MADE_WRONGLY for each in told) else [*told, *of_model])


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The most serious first; those of one severity keep their order."""
    return tuple(sorted(findings, key=lambda finding: _ORDER[finding.severity]))
