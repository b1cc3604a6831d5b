"""Batches that cannot be made."""

from __future__ import annotations

import math
from collections.abc import Iterator

from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.loader_evidence import LoaderEvidence, Trial
from shapewidget.diagnosis.rules.loading import CUT
from shapewidget.graph.batches import Disagreement, Failure


def pass_failed(evidence: LoaderEvidence) -> Iterator[Finding]:
    """An error that ended the pass: samples that cannot be stacked, or one of the user's own."""
    failure = evidence.failure
    if failure is None:
        return
    if failure.is_blocked:
        yield _blocked(evidence, failure)
    elif failure.sample is not None and failure.sample >= (evidence.settings.samples or math.inf):
        return  # the sampler draws what the data set has not, and is told
    elif failure.readable is not None:
        yield _beyond_the_end(evidence, failure, failure.readable)
    elif failure.disagreement is not None:
        yield _unstackable(failure, failure.disagreement, evidence.tried.mended)
    else:
        yield _raised(evidence, failure)


def _beyond_the_end(evidence: LoaderEvidence, failure: Failure, readable: int) -> Finding:
    samples = evidence.settings.samples or 0
    return finding(
        "SW712",
        "loader",
        "__len__",
        f"The data set says that it has {samples} samples, and samples 0 to {readable - 1} can be read. From "
        f"{readable} on, `{failure.step}` raises {failure.error}.",
        fix=f"{readable} in __len__, {samples - readable} fewer than now; or let `{failure.step}` find all {samples}",
        op="__len__",
        axis=0,
        axis_name="samples",
        expected=readable,
        got=samples,
        source=failure.source,
        verified=True,
    )


def _unstackable(failure: Failure, found: Disagreement, mended: Trial | None) -> Finding:
    field = f"`sample{found.field}`" if found.field else "the sample"
    is_list = found.axis == 0 and found.shapes[0].count(",") < 2
    is_declared = failure.fix.startswith("output_signature")
    what = f"stacks the samples of batch {failure.index}, and {field} is {_difference(found)}"
    if is_declared:
        one, other = found.shapes
        what = f"is to give {one} for {field}, as its output_signature says, and sample {failure.sample} is {other}"
    return finding(
        "SW711",
        "loader",
        failure.step,
        f"`{failure.step}` {what}.",
        fix=failure.fix
        or f"make this field alike in all samples{' (resize, crop)' if found.axis else ''}, or keep it in a list",
        verified=bool(failure.fix) and mended is not None and mended.refusal is None,
        op=failure.step,
        axis=found.axis,
        axis_name="length" if is_list else "size" if found.axis is not None else "kind",
        expected=found.expected,
        got=found.got,
        source=failure.source,
    )


def _difference(found: Disagreement) -> str:
    (one, other), (first, second) = found.samples, found.shapes
    if one == other:
        return f"{first} in sample {one}, and {second} after padding: axis {found.axis} is {found.got} long already"
    where = f"they differ on axis {found.axis}" if found.axis is not None else "they are not of one kind"
    return f"{first} in sample {one} and {second} in sample {other}: {where}, {found.expected} and {found.got}"


def _blocked(evidence: LoaderEvidence, failure: Failure) -> Finding:
    title = evidence.settings.title
    before = f" {len(evidence.batches)} came before it" if evidence.batches else " None came before it"
    return finding(
        "SW718",
        "loader",
        title,
        f"{title} waits for batch {failure.index} without end: {failure.error}, and no error either.{before}.",
        fix="look at what it waits for: a lock, a queue or a file in __getitem__; num_workers=0 shows where. If a "
        "batch may take that long, check_loader(..., patience=seconds)",
        axis_name="batches per pass",
        expected="a batch",
        got="none",
    )


def _raised(evidence: LoaderEvidence, failure: Failure) -> Finding:
    sizes = [batch.size for batch in evidence.batches if batch.size is not None]
    before = f" The batches before had {', '.join(map(str, sizes[:6]))} samples." if sizes else ""
    where = f"sample {failure.sample}" if failure.sample is not None else f"batch {failure.index}"
    expected, got = None, None
    rows, count, size = evidence.settings.rows, evidence.settings.batches, evidence.settings.batch_size
    full = size or (-(-rows // count) if rows and count else None)
    odd = next((each for each in sizes if each != full), None)
    if rows and count and odd is not None:
        expected, got = full, odd
        before += f" {rows} rows in {count} batches would be {expected} each."
    fix = "read the error: it comes from the code that makes the batch" if expected is None else CUT
    details = {"fix": fix, "source": failure.source} if evidence.edit is None else evidence.edit.details
    return finding(
        "SW712",
        "loader",
        failure.step,
        f"While {where} was read, `{failure.step}` raised {failure.error}.{before}",
        op=failure.step,
        axis=0 if expected is not None else None,
        axis_name="batch" if expected is not None else "",
        expected=expected,
        got=got,
        **details,
    )
