"""Batches that the model does not take, that cannot be made, or that leave samples out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.loader_evidence import LoaderEvidence, Trial
from shapewidget.graph.batches import BatchRecord, Disagreement, Failure

_CUT = "cut the rows from index * batch_size to (index + 1) * batch_size"


def last_batch(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A last batch that is short, which most models take."""
    settings, batches = evidence.settings, evidence.batches
    if not evidence.is_complete or settings.has_own_batches or len(batches) < 2:
        return
    if batches[-1].index in _refused(evidence):
        return
    full, last = batches[0].size, batches[-1].size
    if full is not None and last is not None and last < full and all(batch.size == full for batch in batches[:-1]):
        yield finding(
            "SW701",
            "loader",
            settings.title,
            f"{_arithmetic(evidence, full, last)}; {'the model takes' if evidence.trials else 'most models take'} it.",
            fix="nothing has to be done; drop_last=True if every batch has to be full",
            axis=0,
            axis_name="batch",
            expected=full,
            got=last,
        )


def batch_refused(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A batch that differs from the first, and that the model refuses while it takes the first."""
    by_index = {batch.index: batch for batch in evidence.batches}
    first = evidence.batches[0] if evidence.batches else None
    for index, refusal in _refused(evidence).items():
        batch = by_index.get(index)
        if first is None or batch is None or refusal is None:
            continue
        what, fix = _what_differs(evidence, first, batch)
        yield finding(
            "SW702",
            refusal.where,
            refusal.layer,
            f"{what}, and `{refusal.layer}` does not take it: {refusal.reason}",
            fix=fix,
            op=refusal.op,
            scope=refusal.scope,
            axis=refusal.axis if refusal.axis is not None else 0,
            axis_name=refusal.axis_name or "batch",
            expected=refusal.expected if refusal.expected is not None else f"more than {batch.size}",
            got=refusal.got if refusal.got is not None else batch.size,
            source=refusal.source,
            layer_id=refusal.layer_id,
            input=refusal.input,
            verified=fix.startswith("drop_last") and _others_are_full(evidence, batch),
        )
        return


def _refused(evidence: LoaderEvidence) -> dict[int, Finding]:
    """The refused batches, if the model takes the first one."""
    first = evidence.trials.get(evidence.batches[0].index) if evidence.batches else None
    if first is None or first.refusal is not None:
        return {}
    return {index: trial.refusal for index, trial in evidence.trials.items() if trial.refusal is not None}


def _what_differs(evidence: LoaderEvidence, first: BatchRecord, batch: BatchRecord) -> tuple[str, str]:
    is_last = batch is evidence.batches[-1] or batch.index + 1 == evidence.settings.batches
    if batch.size != first.size and first.size is not None and batch.size is not None:
        if is_last and batch.size < first.size:
            return (
                _arithmetic(evidence, first.size, batch.size),
                "drop_last=True in the loader, or let the model take its batch size from its input",
            )
        return (
            f"Batch {batch.index} has {batch.size} samples, the first {first.size}",
            "let the model take its batch size from its input",
        )
    parts = zip(first.parts, batch.parts, strict=False)
    odd = next(((one, other) for one, other in parts if one.spec != other.spec), None)
    if odd is None:
        return f"Batch {batch.index} is made otherwise than the first", "make every batch alike"
    before, here = odd
    name = f"`{'targets' if before.is_target else 'inputs'}{before.name}`"
    return (
        f"{name} is {here.spec} {here.spec.dtype} in batch {batch.index}, "
        f"and {before.spec} {before.spec.dtype} in the first",
        "crop or pad the samples to what the model takes, in the data set or in collate_fn",
    )


def _others_are_full(evidence: LoaderEvidence, last: BatchRecord) -> bool:
    """Whether all other batches have the form of the first, which the model takes."""
    return all(batch.shapes == evidence.batches[0].shapes for batch in evidence.batches if batch is not last)


def _arithmetic(evidence: LoaderEvidence, full: int, last: int) -> str:
    samples = evidence.settings.samples or sum(batch.size or 0 for batch in evidence.batches)
    return f"{samples} samples in batches of {full} leave a last batch of {last}"


# -- samples that are left out ----------------------------------------------------------------------------------------


def samples_left_out(evidence: LoaderEvidence) -> Iterator[Finding]:
    """drop_last, by which the same samples are never read, or all of them."""
    settings, left = evidence.settings, evidence.left_out
    samples, size = settings.samples, settings.batch_size
    if not left or samples is None or size is None:
        return
    details: dict[str, Any] = {"axis": 0, "axis_name": "batch"}
    if samples < size:
        reason = f"The only batch has {samples} of {size} samples, and drop_last leaves it out: no batch is left."
        fix = f"drop_last=False, or a batch_size of at most {samples}"
        details |= {"fix": fix, "verified": _is_taken(evidence)}
        yield finding("SW704", "loader", settings.title, reason, expected=size, got=samples, **details)
        return
    rest = evidence.remainder
    has_a_reason = rest is not None and (rest.refusal is not None or rest.mixes_samples)
    reason = (
        f"{samples} samples in batches of {size} leave {left}, which drop_last leaves out: {samples - left} are read"
    )
    if settings.shuffles is False and not has_a_reason:
        reason += f". The order is fixed, so the same {left} are never read; nothing here needs a full batch."
        details |= {"fix": "drop_last=False; for training also shuffle=True", "verified": _is_taken(evidence)}
        yield finding("SW703", "loader", settings.title, reason, expected=samples, got=samples - left, **details)
    else:
        reason += ", others in each pass." if settings.shuffles else "; the model needs full batches."
        details["fix"] = "nothing has to be done for training; drop_last=False for evaluation"
        yield finding("SW705", "loader", settings.title, reason, expected=samples, got=samples - left, **details)


def _is_taken(evidence: LoaderEvidence) -> bool:
    """Whether the model was run on what drop_last leaves out, and took it."""
    return evidence.remainder is not None and evidence.remainder.refusal is None


def batch_empty(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A batch without a sample: its loss is no number."""
    empty = next((batch for batch in evidence.batches if batch.size == 0), None)
    if empty is not None:
        full = evidence.settings.batch_size or evidence.batches[0].size
        sizes = ", ".join(str(batch.size) for batch in evidence.batches[:8])
        yield finding(
            "SW706",
            "loader",
            evidence.settings.title,
            f"Batch {empty.index} of {evidence.settings.title} has no sample; the sizes are {sizes}, where {full} is "
            f"meant.",
            fix=_CUT,
            axis=0,
            axis_name="batch",
            expected=full,
            got=0,
        )


def rows_left_out(evidence: LoaderEvidence) -> Iterator[Finding]:
    """An object that cuts batches from arrays of its own, and that does not give all of their rows."""
    rows, title = evidence.settings.rows, evidence.settings.title
    read = sum(batch.size or 0 for batch in evidence.batches)
    if evidence.is_complete and rows is not None and 0 < read < rows:
        yield finding(
            "SW707",
            "loader",
            title,
            f"{title} holds {rows} rows, and a pass gives {read} of them in {len(evidence.batches)} batches.",
            fix="round the number of batches up, if every row is meant to be read",
            axis=0,
            axis_name="batch",
            expected=rows,
            got=read,
        )


def loader_gives_nothing(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A pass without a batch, for which drop_last is not to blame."""
    if evidence.is_complete and not evidence.batches and not evidence.left_out:
        title, samples = evidence.settings.title, evidence.settings.samples
        held = f"its data set has {samples} samples" if samples is not None else "it ended at once"
        yield finding(
            "SW704",
            "loader",
            title,
            f"A pass over {title} gives no batch: {held}.",
            fix="check the length of the data set, and what filters it",
            axis=0,
            axis_name="batch",
            expected="at least 1 batch",
            got=0,
        )


def shorter_loader_ends(evidence: LoaderEvidence) -> Iterator[Finding]:
    """Loaders read side by side, one of which ended while others had more to give."""
    ended = [one for one in evidence.inner if one.drawn == one.batches]
    if not evidence.is_complete or not ended:
        return
    for longer in evidence.inner:
        if longer.drawn < longer.batches and longer.drawn > 0:
            got = min(longer.drawn, len(evidence.batches) or longer.drawn)
            left = longer.batches - got
            rest = (
                f"{left} are left out, others in each pass" if longer.shuffles else f"the other {left} are never read"
            )
            yield finding(
                "SW722" if longer.shuffles else "SW721",
                "loader",
                "zip",
                f"{evidence.settings.title} reads two loaders side by side and ends with the shorter one, which has "
                f"{ended[0].batches} {longer.unit}. Of the {longer.batches} {longer.unit} of {longer.title}, it takes {got}: "
                f"{rest}.",
                fix="repeat the shorter one: zip(itertools.cycle(shorter), longer)",
                op="zip",
                axis=0,
                axis_name=f"{longer.unit} per pass",
                expected=longer.batches,
                got=got,
            )
            return


# -- batches that cannot be made --------------------------------------------------------------------------------------


def pass_failed(evidence: LoaderEvidence) -> Iterator[Finding]:
    """An error that ended the pass: samples that cannot be stacked, or one of the user's own."""
    failure = evidence.failure
    if failure is None:
        return
    if failure.disagreement is not None:
        yield _unstackable(failure, failure.disagreement, evidence.mended)
    else:
        yield _raised(evidence, failure)


def _unstackable(failure: Failure, found: Disagreement, mended: Trial | None) -> Finding:
    field = f"`sample{found.field}`" if found.field else "the sample"
    where = f"they differ on axis {found.axis}" if found.axis is not None else "they are not of one kind"
    is_list = found.axis == 0 and found.shapes[0].count(",") < 2
    return finding(
        "SW711",
        "loader",
        failure.step,
        f"`{failure.step}` stacks the samples of batch {failure.index}, and {field} is {found.shapes[0]} in sample "
        f"{found.samples[0]} and {found.shapes[1]} in sample {found.samples[1]}: {where}, {found.expected} and "
        f"{found.got}.",
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


def _raised(evidence: LoaderEvidence, failure: Failure) -> Finding:
    sizes = [batch.size for batch in evidence.batches if batch.size is not None]
    before = f" The batches before had {', '.join(map(str, sizes[:6]))} samples." if sizes else ""
    where = f"sample {failure.sample}" if failure.sample is not None else f"batch {failure.index}"
    expected, got = None, None
    rows, count, size = evidence.settings.rows, evidence.settings.batches, evidence.settings.batch_size
    if rows and count and sizes and sizes[0] != (size or -(-rows // count)):
        expected, got = size or -(-rows // count), sizes[0]
        before += f" {rows} rows in {count} batches would be {expected} each."
    return finding(
        "SW712",
        "loader",
        failure.step,
        f"While {where} was read, `{failure.step}` raised {failure.error}.{before}",
        fix="read the error: it comes from the code that makes the batch" if expected is None else _CUT,
        op=failure.step,
        axis=0 if expected is not None else None,
        axis_name="batch" if expected is not None else "",
        expected=expected,
        got=got,
        source=failure.source,
    )
