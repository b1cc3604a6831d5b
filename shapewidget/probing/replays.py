"""Fixes of what was found in a watched block, proven on the part of it where they are to be made."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from shapewidget.diagnosis.axis_parts import Axis, Role, roles
from shapewidget.diagnosis.diagnose import diagnose
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import Finding
from shapewidget.frameworks.adapter import Attempt, Program, Watch
from shapewidget.graph.records import Recording
from shapewidget.probing.proof import Proof


def proven(watch: Watch, diagnoses: Sequence[Diagnosis], block: Evidence) -> list[Finding]:
    """The findings, each with the first of its remedies that holds when its part of the block runs again.

    Args:
        watch: What watched the block.
        diagnoses: What was found in it.
        block: What ran in it: a part of it takes what its tensors mean from there.
    """
    found: list[Finding] = []
    consequences: set[tuple[str, str]] = set()
    for diagnosis in diagnoses:
        finding = diagnosis.finding
        if _place(finding) in consequences:
            continue
        program = watch.program(finding.layer_id) if diagnosis.remedies else None
        if program is None:
            found.append(finding)
            continue
        made, explained = finding, set[tuple[str, str]]()
        with contextlib.suppress(Exception):  # what the block did is told, whatever comes of running it again
            made, explained = _mended(program, diagnosis, block)
        found.append(made)
        consequences |= explained
    return found


def _is_same(one: Finding, other: Finding) -> bool:
    """Whether two findings are of one line or layer: what is run again does not know what the block calls a model."""
    return one.layer == other.layer or (one.source is not None and one.source == other.source)


def _place(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.layer


def _mended(program: Program, diagnosis: Diagnosis, block: Evidence) -> tuple[Finding, set[tuple[str, str]]]:
    """The finding with a fix, and what was found no more once it was made."""
    finding = diagnosis.finding

    def record(attempt: Attempt | None) -> Recording:
        return _with_roles(program.record(attempt), block)

    own = record(None)
    again = diagnose(_evidence(None, [own]))
    same = [it for it in again if it.finding.code == finding.code and _is_same(it.finding, finding)]
    if not same:
        return finding, set()
    proof = Proof(program.attempt, lambda attempt, _: record(attempt), _evidence, own, {}, ())
    tried = [*diagnosis.remedies, *(it for it in same[0].remedies if it not in diagnosis.remedies)]
    asked = replace(same[0], remedies=tuple(tried))  # the block has seen the lines that build a model
    made = proof.findings([asked, *(it for it in again if it is not same[0])])
    first = made[0]
    gone = {_place(it.finding) for it in again} - {_place(it) for it in made}
    if first.patch is None and not first.verified:
        return finding, gone
    source = first.source if first.patch is not None else finding.source
    return replace(finding, fix=first.fix, patch=first.patch, source=source, verified=first.verified), gone


def _with_roles(recording: Recording, block: Evidence) -> Recording:
    """A part that ran again, with what the axes of the tensors mean that came from the block."""
    layers = tuple(
        replace(layer, settings={**layer.settings, "roles": tuple(map(_role, block.tracing.axes[made_in]))})
        if isinstance(made_in := layer.settings.get("made_in"), tuple) and made_in in block.tracing.axes
        else layer
        for layer in recording.graph.layers
    )
    return replace(recording, graph=replace(recording.graph, layers=layers))


def _role(axis: Axis) -> Role | None:
    """What all parts of an axis hold, where they hold one thing."""
    known = roles(axis)
    return next(iter(known)) if len(known) == 1 else None


def _evidence(model: object, recordings: Sequence[Recording]) -> Evidence:
    return Evidence(recordings[0].graph, recordings[0].clashes)
