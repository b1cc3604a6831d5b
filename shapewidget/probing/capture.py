"""Watch code that is not ours to call: model building, training loops, losses."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType

from shapewidget.diagnosis.agreement import coloured
from shapewidget.diagnosis.diagnose import diagnose
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.findings import Finding, Severity
from shapewidget.diagnosis.loading import by_severity
from shapewidget.diagnosis.repeated import counted, place
from shapewidget.errors import InputError
from shapewidget.frameworks.adapter import Watch
from shapewidget.frameworks.cut_short import end_cut_short
from shapewidget.frameworks.registry import loaded_adapters
from shapewidget.graph.labels import with_labels
from shapewidget.graph.records import LayerGraph, Recording
from shapewidget.graph.repeats import without_repeats
from shapewidget.probing.explain import explain, unknown
from shapewidget.probing.loops import of_last_batch, of_loader, trained_wrongly, unmade_batch
from shapewidget.probing.refused_data import refused_data
from shapewidget.probing.rehearsals import Rehearsal, rehearsals, with_probed, with_sizes
from shapewidget.probing.replays import proven
from shapewidget.probing.report import Report


class capture:  # used as a function: `with shapewidget.capture() as report:`
    """Record a block of code, and say what was found once it has ended.

    The code runs exactly as it would without us. A block that raises is explained; a block that runs is searched for
    what no error says, such as a loss that compares every sample with every other. Then the first call of each of its
    PyTorch models is made again, as `probe` does, which leaves the models as they are.

    Only where a Keras model that is being built is refused, building goes on, so that all that is wrong with it is told
    at once. The error is raised when the model is put to use, or else at the end of the block.

    Args:
        reraise: Whether an error of the block goes on its way after it was noted. An interrupt always does.

    Raises:
        InputError: No framework is imported yet, so that there is nothing to watch.
    """

    def __init__(self, *, reraise: bool = True) -> None:
        adapters = loaded_adapters()
        if not adapters:
            raise InputError("There is nothing to watch: no framework is imported. Import torch before the block.")
        self._reraise = reraise
        self._watches = [(adapter.name, adapter.watch()) for adapter in adapters]
        self._report = Report((), LayerGraph((), (), title="captured code"))

    def __enter__(self) -> Report:
        """Begin; the report is filled at the end of the block."""
        for _, watch in self._watches:
            watch.__enter__()
        return self._report

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Fill the report; swallow the block's error if that was asked for."""
        if error is not None:
            end_cut_short(error)
        for _, watch in reversed(self._watches):
            watch.__exit__(kind, error, trace)
        spoken_for = {watch.speaks_for for _, watch in self._watches}
        watches = [each for each in self._watches if each[0] not in spoken_for]
        recorded = [(framework, watch, watch.recording()) for framework, watch in watches]
        told = [each for each in recorded if each[2].graph.layers] or recorded[:1]
        found = [finding for _, watch, recording in told for finding in _findings(watch, recording)]
        if isinstance(error, Exception):
            unmade = refused_data(error) or [finding for _, watch in self._watches for finding in unmade_batch(watch)]
            silent = [finding for finding in found if finding.severity is not Severity.MISMATCH]
            found = [*unmade, *silent] if unmade else _with_fixes(found, error) or [unknown(error)]
            for _, watch, _ in recorded:
                found = of_last_batch(watch, found)
        for _, watch in self._watches:
            found = of_loader(watch, found)
        found += [finding for _, watch, _ in recorded for finding in trained_wrongly(watch)]
        self._report.findings = by_severity(found)
        framework, watch, recording = max(recorded, key=lambda each: len(each[2].graph.layers))
        if recording.graph.layers or recording.clashes:
            probed = list[Rehearsal]()
            try:
                probed.extend(rehearsals(watch) if error is None else ())
            finally:
                self._draw(framework, recording, probed, is_partial=watch.is_partial)
        else:
            names = " and ".join(framework for framework, _ in self._watches)
            self._report.notes = (f"The block ran no layer and no operation of {names} that can be recorded.",)
        deferred = next((watch.deferred for _, watch in self._watches if watch.deferred is not None), None)
        if self._reraise and deferred is not None and error is not deferred and not _is_interrupt(error):
            raise deferred
        return isinstance(error, Exception) and not self._reraise

    def _draw(self, framework: str, recording: Recording, probed: Sequence[Rehearsal], *, is_partial: bool) -> None:
        """The graph of the framework that ran most; the findings are those of all."""
        report, graph = self._report, recording.graph
        report.findings = by_severity(with_probed(report.findings, graph, probed))
        shown = with_labels(with_sizes(without_repeats(graph), probed))
        report.graph = coloured(shown, recording.clashes, report.findings)
        report.meanings = {name: text for it in reversed(probed) for name, text in it.report.meanings.items()}
        report.framework, report.stopped = framework, recording.stopped
        report.device = next((spec.device for layer in graph.layers for spec in layer.outputs), "")
        if is_partial:
            report.notes += (f"Only the first {len(graph.layers):,} operations were recorded.",)
        if len(shown.layers) < len(graph.layers):
            report.notes += (
                f"Steps that repeat are drawn once: {len(shown.layers):,} of {len(graph.layers):,} operations.",
            )


def _is_interrupt(error: BaseException | None) -> bool:
    return error is not None and not isinstance(error, Exception)


def _findings(watch: Watch, recording: Recording) -> list[Finding]:
    """What is wrong with what ran; a loop meets the same mistake in every step, and it is told once."""
    evidence = Evidence(recording.graph, recording.clashes)
    every = diagnose(evidence)
    counts = Counter(place(diagnosis.finding) for diagnosis in every)
    first = {place(diagnosis.finding): diagnosis for diagnosis in reversed(every)}
    kept = [diagnosis for diagnosis in every if first[place(diagnosis.finding)] is diagnosis]
    return [counted(finding, counts[place(finding)] or 1) for finding in proven(watch, kept, evidence)]


def _with_fixes(found: list[Finding], error: Exception) -> list[Finding]:
    """What raised, with a fix that was run, where the frames of the error hold enough to run it again."""
    refused = [it for it in found if it.severity is Severity.MISMATCH]
    if any(it.verified for it in refused):
        return found
    told: list[Finding] = []
    with contextlib.suppress(Exception):  # the block's own error is what has to come out
        told = [it for it in explain(error).findings if it.severity is Severity.MISMATCH]
    if not refused or not any(it.verified for it in told):
        return found
    first, same = refused[0], next((it for it in told if it.code == refused[0].code), None)
    if same is not None:
        mended = replace(first, fix=same.fix, patch=same.patch, source=same.source, verified=same.verified)
        told = [mended if it is same else it for it in told]
    return [it for it in found if it not in refused] + told
