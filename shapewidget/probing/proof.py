"""Proposed changes, run on copies until one holds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shapewidget.diagnosis.diagnose import diagnose
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import Finding, Severity
from shapewidget.frameworks.adapter import Attempt
from shapewidget.graph.records import Recording
from shapewidget.graph.remedies import Remedy

Sizes = Mapping[str, int]

_MOST_TRIED = 12
"""How many changes are tried for one finding: each is a copy of the model and a run of it."""


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
        """Every finding, with the first of its remedies that holds.

        What is refused no more once an earlier finding is mended was a consequence of that one, and is left out.
        """
        known = {(it.finding.code, it.finding.layer_id) for it in diagnoses}
        explained: set[str] = set()
        proven = []
        for diagnosis in diagnoses:
            finding = diagnosis.finding
            if finding.severity is Severity.MISMATCH and finding.layer_id in explained:
                continue
            made, still_refused = self._first_that_holds(diagnosis, known)
            if made.verified:
                explained |= {clash.layer_id for clash in self.own.clashes} - still_refused
            proven.append(made)
        return tuple(proven)

    def _first_that_holds(self, diagnosis: Diagnosis, known: set[tuple[str, str]]) -> tuple[Finding, set[str]]:
        fallback: Attempt | None = None
        for remedy in diagnosis.remedies[:_MOST_TRIED]:
            attempt = self.attempt(remedy)
            if attempt is None:
                continue
            refused = None
            with contextlib.suppress(Exception):  # a change that raises outside of what is recorded does not hold
                refused = self._refused_after(attempt, diagnosis.finding, known)
            if refused is not None:
                return _mended(diagnosis.finding, attempt, verified=True), refused
            fallback = fallback or attempt
        if fallback is None:
            return diagnosis.finding, set()
        return _mended(diagnosis.finding, fallback, verified=False), set()

    def _refused_after(self, attempt: Attempt, finding: Finding, known: set[tuple[str, str]]) -> set[str] | None:
        """What the changed program still refuses; None unless the finding is gone, and nothing new was found."""
        is_silent = finding.severity is not Severity.MISMATCH
        settings = [self.axes, *self.others] if is_silent else [self.axes]
        recordings = [self.record(attempt, sizes) for sizes in settings]
        before = {clash.layer_id for clash in self.own.clashes}
        after = {clash.layer_id for clash in recordings[0].clashes}
        if not (after <= before if is_silent else after < before):
            return None
        found = [it.finding for it in diagnose(self.evidence(attempt.model, recordings))]
        places = {(it.code, it.layer_id) for it in found if it.severity is not Severity.NOTE}
        is_gone = (finding.code, finding.layer_id) not in {(it.code, it.layer_id) for it in found}
        return after if is_gone and places <= known else None


def _mended(finding: Finding, attempt: Attempt, *, verified: bool) -> Finding:
    source = attempt.source or finding.source
    return replace(finding, fix=attempt.fix, patch=attempt.patch, source=source, verified=verified)
