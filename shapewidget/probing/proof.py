"""Proposed changes, run on copies until one holds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shapewidget.diagnosis.diagnose import diagnose
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import Finding, Severity
from shapewidget.diagnosis.pairs import pairs_made
from shapewidget.diagnosis.rules.loss_values import is_of_data
from shapewidget.frameworks.adapter import Attempt
from shapewidget.graph.records import Recording
from shapewidget.graph.remedies import Remedy, SetArgument, Together

Sizes = Mapping[str, int]

_MOST_TRIED = 12
"""How many changes are tried for one finding: each is a copy of the model and a run of it."""

_OF_PAIRS = "SW302"

_MOST_COMPARED = 3
"""How many changes that hold are compared, where each leaves something refused further on."""


@dataclass(frozen=True)
class Proof:
    """How to try a change, and what the program did without one.

    Attributes:
        attempt: Applies a remedy to a copy; None where it cannot be applied.
        record: Runs a changed program at other sizes of its axes.
        evidence: What the rules look at, given a changed program and its runs.
        own: The run of the unchanged program.
        axes: The sizes of the user's own batch.
        others: Sizes at which a silent mistake has to be gone as well.
    """

    attempt: Callable[[Remedy], Attempt | None]
    record: Callable[[Attempt, Sizes], Recording]
    evidence: Callable[[Any, Sequence[Recording]], Evidence]
    own: Recording
    axes: Sizes
    others: Sequence[Sizes]

    def findings(self, diagnoses: Sequence[Diagnosis]) -> tuple[Finding, ...]:
        """Every finding, with the change that holds and leaves least refused.

        What is refused no more once something before it is mended was a consequence of that, and is left out.
        """
        known = {(it.finding.code, it.finding.layer_id) for it in diagnoses}
        explained: dict[str, int] = {}
        proven = []
        for diagnosis in diagnoses:
            made, left = self._best(diagnosis, diagnosis.remedies[:_MOST_TRIED], known)
            if not made.verified:
                joined = self._best(diagnosis, _with_others(diagnosis, diagnoses), known)
                made, left = joined if joined[0].verified else (made, left)
            proven.append(made)
            if made.verified:
                for layer_id in {clash.layer_id for clash in self.own.clashes} - left - {made.layer_id}:
                    explained[layer_id] = min(self._place(made.layer_id), explained.get(layer_id, self._last))
        return tuple(it for it in proven if not self._is_consequence(it, explained))

    def _is_consequence(self, finding: Finding, explained: Mapping[str, int]) -> bool:
        cause = explained.get(finding.layer_id)
        is_refusal = finding.severity is Severity.MISMATCH
        return is_refusal and cause is not None and cause < self._place(finding.layer_id)

    @property
    def _last(self) -> int:
        return len(self.own.graph.layers)

    def _place(self, layer_id: str) -> int:
        places = (place for place, layer in enumerate(self.own.graph.layers) if layer.id == layer_id)
        return next(places, self._last)

    def _best(
        self, diagnosis: Diagnosis, remedies: Sequence[Remedy], known: set[tuple[str, str]]
    ) -> tuple[Finding, set[str]]:
        """The first change after which nothing is refused, or of the first few that hold the one that leaves least.

        What a change builds anew besides is left too: it was wrong in itself.
        """
        fallback: Attempt | None = None
        held: list[tuple[Attempt, set[str]]] = []
        for remedy in remedies:
            attempt = self.attempt(remedy)
            if attempt is None:
                continue
            refused = None
            with contextlib.suppress(Exception):  # a change that raises outside of what is recorded does not hold
                refused = self._refused_after(attempt, diagnosis.finding, known)
            if refused is not None:
                held.append((attempt, refused | _built_besides(remedy, diagnosis.finding)))
            if refused == set() or len(held) == _MOST_COMPARED:
                break
            fallback = fallback or attempt
        if held:
            best, refused = min(held, key=lambda each: len(each[1]))
            return _mended(diagnosis.finding, best, verified=True), refused
        if fallback is None:
            return diagnosis.finding, set()
        return _mended(diagnosis.finding, fallback, verified=False), set()

    def _refused_after(self, attempt: Attempt, finding: Finding, known: set[tuple[str, str]]) -> set[str] | None:
        """What the changed program still refuses; None unless the finding is gone, and nothing new was found."""
        is_silent = finding.severity is not Severity.MISMATCH
        settings = [self.axes, *self.others] if is_silent else [self.axes]
        recordings = [self.record(attempt, sizes) for sizes in settings]
        before = {clash.layer_id for clash in self.own.clashes}
        after = {clash.layer_id for clash in recordings[0].clashes} | self._not_reached(recordings[0])
        if not (after <= before if is_silent else after < before) or self._leaves_pairs(finding, recordings[0]):
            return None
        found = [it.finding for it in diagnose(self.evidence(attempt.model, recordings))]
        places = {(it.code, it.layer_id) for it in found if it.severity is not Severity.NOTE and not is_of_data(it)}
        is_gone = (finding.code, finding.layer_id) not in {(it.code, it.layer_id) for it in found}
        return after if is_gone and places <= known else None

    def _not_reached(self, after: Recording) -> set[str]:
        """What was refused, and is not any more only because the changed program ends before it."""
        if after.stopped is None or not after.clashes:
            return set()
        stop = self._place(after.clashes[-1].layer_id)
        return {clash.layer_id for clash in self.own.clashes if self._place(clash.layer_id) > stop}

    def _leaves_pairs(self, finding: Finding, after: Recording) -> bool:
        """Whether samples are set against one another anew: a column that is mended may meet a row further on."""
        before, left = pairs_made(self.own.graph), pairs_made(after.graph)
        return left > before or (finding.code == _OF_PAIRS and left == before > 0)


def _built_besides(remedy: Remedy, finding: Finding) -> set[str]:
    """The layers that a change builds with another argument besides the one that was found."""
    parts = remedy.parts if isinstance(remedy, Together) else ()
    return {part.path for part in parts if isinstance(part, SetArgument)} - {finding.layer_id}


def _with_others(diagnosis: Diagnosis, diagnoses: Sequence[Diagnosis]) -> list[Remedy]:
    """The likeliest change joined with those of other findings in the same lines: two views that undo one another."""
    likeliest = diagnosis.remedies[0] if diagnosis.remedies else None
    if likeliest is None or isinstance(likeliest, Together):
        return []
    others = [
        other.remedies[0]
        for other in diagnoses
        if other is not diagnosis and other.remedies and other.finding.scope == diagnosis.finding.scope
    ]
    return [Together((likeliest, it)) for it in others[:_MOST_COMPARED] if not isinstance(it, Together)]


def _mended(finding: Finding, attempt: Attempt, *, verified: bool) -> Finding:
    source = attempt.source or finding.source
    return replace(finding, fix=attempt.fix, patch=attempt.patch, source=source, verified=verified)
