"""One mistake of one line, told once however often and wherever the line runs."""

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


def by_mistake(findings: Iterable[Finding]) -> list[list[Finding]]:
    """The findings in lists of one mistake each: the same line with the same fix, in every block that runs it."""
    mistakes: dict[Hashable, list[Finding]] = {}
    for place, each in enumerate(findings):
        mistake = place if each.source is None else (each.code, each.source, each.fix)
        mistakes.setdefault(mistake, []).append(each)
    return list(mistakes.values())


def place(finding: Finding) -> Hashable:
    """What two findings have in common that are one mistake: of one without a line, the node."""
    at = finding.source or finding.layer_id or finding.reason
    return finding.code, finding.layer, finding.scope, finding.axis, at


def counted(finding: Finding, count: int) -> Finding:
    """The finding, with how often its line does so."""
    return finding if count == 1 else replace(finding, reason=f"{finding.reason} This line does so {count} times.")
