"""One mistake of one line, told once however often the line runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import replace

from shapewidget.diagnosis.findings import Finding


def told_once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, of those that say the same of the same line the first only, with how often it does so."""
    every = list(findings)
    counts = Counter(map(place, every))
    first = {place(each): each for each in reversed(every)}
    return tuple(counted(each, counts[place(each)]) for each in every if first[place(each)] is each)


def place(finding: Finding) -> Hashable:
    """What two findings have in common that are one mistake: of one without a line, the node."""
    at = finding.source or finding.layer_id or finding.reason
    return finding.code, finding.layer, finding.scope, finding.axis, at


def counted(finding: Finding, count: int) -> Finding:
    """The finding, with how often its line does so."""
    return finding if count == 1 else replace(finding, reason=f"{finding.reason} This line does so {count} times.")
