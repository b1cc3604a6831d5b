"""Fixes of how a training loop adds up gradients, run on a copy of the loop."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace

from shapewidget.diagnosis.findings import Finding, Severity
from shapewidget.diagnosis.rules.accumulation import Mistake, accumulation
from shapewidget.frameworks.adapter import Loop, LoopRun, Watch
from shapewidget.frameworks.source.loop_edits import LoopEdit, loop_edits

_MOST_TRIED = 4
_TOLERANCE = 0.05


def with_fix(watch: Watch, mistake: Mistake) -> Finding:
    """What is said of a mistake, with the first edit of the loop that mends it when the loop runs again."""
    finding = mistake.finding
    if finding.severity is Severity.NOTE:
        return finding
    with contextlib.suppress(Exception):  # the user's loop, run with other lines than it was written with
        loop = watch.loop(mistake.line)
        own = loop.run() if loop is not None else None
        if loop is not None and own is not None and finding.code in _codes(own):
            return _mended(finding, mistake, loop, own)
    return finding


def _mended(finding: Finding, mistake: Mistake, loop: Loop, own: LoopRun) -> Finding:
    edits = loop_edits(finding.code, loop.replay, mistake.batches, mistake.drawn)
    for _, edit in zip(range(_MOST_TRIED), edits, strict=False):
        with contextlib.suppress(Exception):
            run = loop.run(edit.edits, edit.names)
            if run.gradient is not None and _codes(run) <= _codes(own) - {finding.code}:
                told = _effect(mistake, own, run)
                if told is not None:
                    return _with(finding, edit, edit.patch(loop.replay), told)
    return finding


def _codes(run: LoopRun) -> set[str]:
    """What more than a note is said of a loop."""
    found = (each.finding for each in accumulation(run.log))
    return {finding.code for finding in found if finding.severity is not Severity.NOTE}


def _effect(mistake: Mistake, own: LoopRun, run: LoopRun) -> str | None:
    """What the fix does, in numbers; None where the gradient does not change as it should."""
    if mistake.factor is None:
        return "" if own.gradient is not None else " With the fix the optimiser steps, on a copy."
    if not own.gradient or not run.gradient:
        return None
    ratio = own.gradient / run.gradient
    if not math.isclose(ratio, mistake.factor, rel_tol=_TOLERANCE):
        return None
    times = f"{1 / ratio:.1f} times larger" if ratio < 1 else f"{ratio:.1f} times smaller"
    return f" Run on a copy with the fix, the gradient of the first step is {times}."


def _with(finding: Finding, edit: LoopEdit, patch: str, told: str) -> Finding:
    return replace(finding, reason=finding.reason + told, fix=edit.fix, patch=patch, verified=True)
