"""Explain an exception that was raised already, from what its frames still hold."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from shapewidget.diagnosis.agreement import coloured
from shapewidget.diagnosis.diagnose import diagnose
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.findings import Finding, Severity, finding
from shapewidget.diagnosis.repeated import told_once
from shapewidget.errors import InputError, ShapeWidgetError
from shapewidget.frameworks.adapter import Adapter, Attempt, Batch, Failure, Program
from shapewidget.frameworks.registry import loaded_adapters
from shapewidget.frameworks.source.frames import is_own, resolve
from shapewidget.graph.records import LayerGraph, Recording, SourceLine
from shapewidget.probing.last_error import last_error
from shapewidget.probing.loaders import check_loader
from shapewidget.probing.proof import Proof
from shapewidget.probing.refused_data import refused_data
from shapewidget.probing.report import Report
from shapewidget.probing.session import Session
from shapewidget.probing.wrong_names import with_another_name


def explain(error: BaseException | None = None) -> Report:
    """Say what a shape error was about, from the exception alone.

    What failed is run again on copies, with the values that the frames of the exception still hold: the outermost model
    with its arguments, or the line that raised and those that led to it. Nothing of the user's is changed, and no frame
    is kept.

    Args:
        error: An exception that was raised; by default the one last raised in this kernel or interpreter.

    Raises:
        InputError: There is no exception, or it was never raised.
    """
    if error is None:
        error = last_error()
    if error is None:
        raise InputError(
            "There is no exception to explain: none was raised in this session. Run the cell that fails first, or pass "
            "one: `except RuntimeError as error: shapewidget.explain(error)`."
        )
    if not isinstance(error, BaseException):
        raise InputError(f"Expected an exception, got {type(error).__name__}. Give none to explain the last one.")
    if error.__traceback__ is None:
        raise InputError(
            f"{type(error).__name__} was never raised, so there is no traceback to read. Pass an exception that was "
            "caught: `except RuntimeError as error: shapewidget.explain(error)`."
        )
    apart = refused_data(error) if isinstance(error, Exception) else []
    if apart:
        return Report(tuple(apart), LayerGraph((), (), title="the last exception"), "", stopped=_text(error))
    for adapter in loaded_adapters():
        failure = adapter.failure(error)
        if failure is not None:
            report = explained(adapter, failure)
            if report.findings or report.graph.layers:
                return replace(report, notes=(*report.notes, f"The exception: {_text(error)}"))
    return _unknown(error)


def explained(adapter: Adapter, failure: Failure) -> Report:
    """What is known of a failure: by running it again where that can be done, else by its line alone."""
    if failure.loader is not None:
        return check_loader(failure.loader, model=failure.model, loss=failure.loss)
    if failure.program is not None:
        return _of_calls(adapter, failure.program)
    with contextlib.suppress(ShapeWidgetError):
        report = _rehearsed(adapter, failure)
        if report is not None and any(it.severity is not Severity.NOTE for it in report.findings):
            first, *rest = report.findings
            return replace(report, findings=(with_another_name(adapter, failure, first), *rest))
    return _reported(adapter, failure.recording)


def _rehearsed(adapter: Adapter, failure: Failure) -> Report | None:
    if failure.model is None:
        return None
    if failure.is_program:
        return _of_program(adapter, failure.model, failure.inputs)
    return Session(failure.model, failure.inputs, targets=failure.targets, loss=failure.loss).report


def _of_program(adapter: Adapter, program: Any, inputs: Mapping[str, Any]) -> Report:
    """Lines that are no model: run once, as nothing is known of the axes of what they read."""
    batch = Batch((), inputs)
    own = adapter.record(program, batch, None)

    def evidence(model: Any, recordings: Sequence[Recording]) -> Evidence:
        return Evidence(recordings[0].graph, recordings[0].clashes)

    def record(attempt: Attempt, axes: Mapping[str, int]) -> Recording:
        given = attempt.batch(batch) if attempt.batch is not None else batch
        return adapter.record(attempt.model, given, None)

    proof = Proof(lambda remedy: adapter.attempt(program, None, remedy), record, evidence, own, {}, ())
    titled = replace(own, graph=replace(own.graph, title="the lines that raised"))
    return _reported(adapter, titled, proof)


def _of_calls(adapter: Adapter, program: Program) -> Report:
    """Calls that led to the error, run again on copies of what was called."""
    own = program.record(None)

    def evidence(model: Any, recordings: Sequence[Recording]) -> Evidence:
        return Evidence(recordings[0].graph, recordings[0].clashes)

    proof = Proof(program.attempt, lambda attempt, _: program.record(attempt), evidence, own, {}, ())
    return _reported(adapter, replace(own, graph=replace(own.graph, title="what raised")), proof)


def _reported(adapter: Adapter, recording: Recording, proof: Proof | None = None) -> Report:
    diagnoses = diagnose(Evidence(recording.graph, recording.clashes))
    findings = proof.findings(diagnoses) if proof is not None else tuple(it.finding for it in diagnoses)
    device = next((spec.device for layer in recording.graph.layers for spec in layer.inputs), "")
    graph = coloured(recording.graph, recording.clashes, findings)
    return Report(told_once(findings), graph, adapter.name, device, stopped=recording.stopped)


def _unknown(error: BaseException) -> Report:
    """No framework can tell more from the frames than the exception itself says."""
    framework = _framework(error)
    step = (
        "run the cell that raised it within `with shapewidget.capture() as report:`, which sees the building too"
        if framework
        else "read the error: no tensor or model was at work on the line that raised it"
    )
    said = unknown(error, step)
    return Report((said,), LayerGraph((), (), title="the last exception"), framework, stopped=_text(error))


def unknown(error: BaseException, step: str = "read the error: it comes from the program itself") -> Finding:
    """What is said of an exception that no rule knows."""
    own = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if is_own(frame.f_code.co_filename)]
    framework = _framework(error)
    name = own[-1].f_code.co_name if own else type(error).__name__
    reason = f"{f'{framework} raised' if framework else 'The program raised'} {_text(error)}"
    return finding("SW901", "function", name.strip("<>"), reason, fix=step, source=_line(error))


def _framework(error: BaseException) -> str:
    """Which framework raised, where that is Keras or TensorFlow."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    modules = {str(frame.f_globals.get("__name__")).partition(".")[0] for frame in frames}
    return next((name for name in ("keras", "tensorflow") if name in modules), "")


def _line(error: BaseException) -> SourceLine | None:
    """The innermost line of the user's own."""
    found, trace = None, error.__traceback__
    while trace is not None:
        if is_own(trace.tb_frame.f_code.co_filename):
            found = resolve((trace.tb_frame.f_code, trace.tb_lasti))
        trace = trace.tb_next
    return found


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip()}"
