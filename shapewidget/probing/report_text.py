"""A report as lines of text, each with what it is, so that a terminal can colour it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from shapewidget.diagnosis.findings import Finding, Severity
from shapewidget.diagnosis.repeated import by_mistake
from shapewidget.graph.batches import timeline
from shapewidget.graph.data_sizes import sized_by_data
from shapewidget.graph.records import Layer, LayerGraph, LayerKind
from shapewidget.probing.outline import Row, outline, shapes

if TYPE_CHECKING:
    from shapewidget.probing.report import Report

SIGNS = {Severity.MISMATCH: "✕", Severity.COINCIDENCE: "≈", Severity.NOTE: "·"}


class Line(NamedTuple):
    """One line, and what it is: "title", "code", a severity and so on, or "" for running text."""

    text: str
    kind: str = ""


def lines(report: Report) -> Iterator[Line]:
    """The findings, then the graph as an outline; they stand alone in a terminal."""
    yield Line(title(report), "title")
    if report.batches is not None:
        yield Line(timeline(report.batches))
    yield from (Line(note, "remark") for note in report.notes)
    for finding, *others in by_mistake(report.findings):
        yield Line("")
        yield from _finding(finding, others)
    if report.stopped:
        yield Line("")
        yield Line(f"The run ended early: {report.stopped}", "broken")
    yield Line("")
    yield from _outline(report.graph)
    sizes = ", ".join(f"{name} = {value}" for name, value in report.graph.sizes.items())
    if sizes:
        yield Line(f"with {sizes}", "remark")
    for origin in dict.fromkeys(layer.id for layer in sized_by_data(report.graph).values()):
        yield Line(f"? depends on the data: {_counted(report.graph.by_id[origin])}", "remark")


def _counted(layer: Layer) -> str:
    at = f" at {layer.source}" if layer.source is not None else ""
    return f"`{layer.name}`{at} gives as many rows as the values say"


def title(report: Report) -> str:
    """The model, its device and how many mistakes there are of each kind."""
    mistakes = [finding.severity for finding, *_ in by_mistake(report.findings)]
    counts = [
        f"{count} {severity.value}{'es' if severity is Severity.MISMATCH and count > 1 else 's' if count > 1 else ''}"
        for severity in Severity
        if (count := mistakes.count(severity))
    ]
    model = f"{report.graph.title} on {report.device}" if report.device else report.graph.title
    nothing = "nothing was recorded" if report.batches is None and not report.graph.layers else "all shapes agree"
    return f"{model}: {', '.join(counts) or nothing}"


def place(finding: Finding) -> str:
    """What a person calls the place of a finding: "head", "view in encoder", "the loss"."""
    if finding.where in ("loss", "loader"):
        return {"loss": "the loss", "loader": "the data loader"}[finding.where]
    if finding.where == "function":
        return f"{finding.layer} in {finding.scope or 'forward'}"
    return finding.layer or "the model"


def elsewhere(finding: Finding, others: Sequence[Finding]) -> str:
    """Where the same line makes the same mistake once more, as a sentence; empty where it does not."""
    if not others:
        return ""
    blocks = dict.fromkeys(each.scope if each.where == "function" else each.layer for each in (finding, *others))
    named = [f"`{block}`" for block in list(blocks)[1:3] if block]
    if not named:
        return f" This line does so {len(others) + 1} times."
    more = f" and {len(blocks) - 1 - len(named)} more" if len(blocks) - 1 > len(named) else ""
    return f" The same in {', '.join(named) if more else ' and '.join(named)}{more}."


def _finding(finding: Finding, others: Sequence[Finding]) -> Iterator[Line]:
    at = f" at {finding.source}" if finding.source is not None else ""
    yield Line(f"{SIGNS[finding.severity]} {finding.code} {finding.title}{at}", finding.severity.value)
    if finding.source is not None and finding.source.text:
        yield Line(f"      {finding.source.text.strip()}", "code")
    yield Line(f"    {finding.reason}{elsewhere(finding, others)}")
    if finding.fix:
        yield Line(f"    {advice(finding)}")
    for line in (finding.patch or "").splitlines():
        yield Line(f"      {line}", {"-": "removed", "+": "added"}.get(line[:1], "remark"))


def advice(finding: Finding) -> str:
    """The fix, and whether it was run; of a note that needs none, what can be done all the same."""
    if finding.verified:
        return f"Fix (run, and it holds): {finding.fix}"
    return f"{'Remark' if finding.severity is Severity.NOTE else 'Fix (not verified)'}: {finding.fix}"


def _outline(graph: LayerGraph) -> Iterator[Line]:
    rows = list(outline(graph))
    names = ["  " * (row.level + 1) + _name(row) for row in rows]
    width = min(max(map(len, names), default=0), 48)
    for row, name in zip(rows, names, strict=True):
        badge = f"  <- {row.badge.badge}" if row.badge is not None else ""
        yield Line(f"{name:<{width}}  {_shapes(row)}{badge}".rstrip(), "broken" if badge else "")


def _name(row: Row) -> str:
    layer = row.layer
    return row.name if layer.name == layer.type or layer.kind is LayerKind.INPUT else f"{row.name} {layer.type}"


def _shapes(row: Row) -> str:
    layer = row.layer
    if layer.kind is LayerKind.GROUP:
        return f"as {row.like}" if row.like else ""
    return shapes(layer.outputs or layer.inputs)
