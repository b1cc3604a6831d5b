"""Inputs and targets of one batch that do not belong together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.loader_evidence import LoaderEvidence
from shapewidget.graph.batches import BatchRecord, Part, is_sequence
from shapewidget.graph.records import SourceLine
from shapewidget.graph.remedies import SourceEdit

_STACKING = ("", "default_collate")
"""What makes a row of each sample."""
_FRONT = "put the samples in front: torch.stack(..., dim=1) of columns, pad_sequence(..., batch_first=True)"


def labels_not_as_many(evidence: LoaderEvidence) -> Iterator[Finding]:
    """Labels of another number than the samples, which the loss refuses, or spreads over the batch."""
    forms: dict[int, BatchRecord] = {}  # most batches of a pass share the parts of the first
    for batch in evidence.batches:
        forms.setdefault(id(batch.parts), batch)
    odd = next((batch for batch in forms.values() if _sizes(batch) is not None), None)
    if odd is None or evidence.turned_labels is not None:
        return
    samples, labels = _sizes(odd) or (0, 0)
    trial = evidence.tried.batches.get(odd.index) if evidence.tried.has_loss else None
    if trial is None:
        is_wrong = not evidence.tried.batches and odd is evidence.batches[0] and not evidence.origins.joins_targets
        is_wrong = is_wrong and labels != _drawn(evidence)
        code = "SW713"
    elif trial.refusal is not None:
        is_wrong, code = trial.refusal.where == "loss", "SW713"
    else:
        is_wrong, code = labels == 1, "SW714"
    if is_wrong:
        yield _finding(evidence, odd, samples, labels, code)


def _drawn(evidence: LoaderEvidence) -> int | None:
    """How many samples the first batch is made of, whose rows may be joined to any number."""
    samples, size = evidence.settings.samples, evidence.settings.batch_size
    return min(samples, size) if evidence.settings.collate not in _STACKING and samples and size else None


def _sizes(batch: BatchRecord) -> tuple[int, int] | None:
    """Number of samples and of labels, where they differ; only of batches whose inputs agree on their number."""
    inputs = {part.spec.shape[0] for part in batch.inputs if part.spec.shape}
    if len(inputs) != 1 or len(batch.targets) != 1 or not batch.targets[0].spec.shape or batch.size not in inputs:
        return None
    samples, labels = inputs.pop(), batch.targets[0].spec.shape[0]
    is_time_first = any(_is_time_first(part, labels) for part in batch.inputs)
    return (samples, labels) if samples != labels and not is_time_first else None


def _is_time_first(part: Part, labels: int) -> bool:
    """Whether the samples run along the second axis of sequences."""
    shape = part.spec.shape
    return is_sequence(len(shape), part.spec.dtype) and shape[1] == labels


def _finding(evidence: LoaderEvidence, batch: BatchRecord, samples: int, labels: int, code: str) -> Finding:
    large, small = max(samples, labels), min(samples, labels)
    factor = f": {large} = {large // small} x {small}" if small and large % small == 0 else ""
    title, zipped = evidence.settings.title, evidence.settings.zipped
    if len(set(zipped)) > 1:
        why = f"They come from streams that were batched by {zipped[0]} and by {zipped[1]} before they were zipped."
        fix, trial = f"zip first, then batch: tf.data.Dataset.zip(...).batch({zipped[0]})", evidence.tried.mended
    else:
        why = "They differ as they leave the loader, before any model."
        fix = f"make one label for each sample, {samples} and not {labels}, where {title} makes the batch"
        trial = evidence.tried.as_many_labels
    details = {"fix": fix, "verified": trial is not None and trial.refusal is None}
    if evidence.edit is not None:
        why, details = (
            f"`{evidence.edit.source.expression}` at {evidence.edit.source} makes it so.",
            evidence.edit.details,
        )
    spread = " The loss broadcasts the one label over all of them." if code == "SW714" else ""
    return finding(
        code,
        "loader",
        title,
        f"Batch {batch.index} of {title} has {samples} samples and {labels} label{'' if labels == 1 else 's'}{factor}. "
        f"{why}{spread}",
        axis=0,
        axis_name="batch",
        expected=samples,
        got=labels,
        **details,
    )


def labels_turned(evidence: LoaderEvidence) -> Iterator[Finding]:
    """One-hot labels with a row for each class, where a row for each sample is meant."""
    found = evidence.turned_labels
    if found is not None:
        classes, samples = found.classes, found.samples
        trial, title = evidence.tried.turned_back, evidence.settings.title
        yield finding(
            "SW736",
            "loader",
            title,
            f"The labels of {title} are ({classes}, {samples}) for {samples} samples. Every column of "
            f"them holds a single 1, and the rows do not: they are one-hot along axis 0, with a row for each of "
            f"{classes} classes, and the loss compares row by row with the outputs of a sample.",
            fix="one-hot along the last axis: one_hot(labels, classes) without axis=0, or its transpose",
            axis=0,
            axis_name="batch",
            expected=(samples, classes),
            got=(classes, samples),
            verified=trial is not None and trial.refusal is None,
        )


def classes_not_from_zero(evidence: LoaderEvidence) -> Iterator[Finding]:
    """Classes that are numbered from 1, or from another number: the last ones are behind those of the outputs."""
    found = evidence.tried.numbered_from
    if found is None:
        return
    lowest, title = found.lowest, evidence.settings.title
    of_columns = (
        f" One-hot, they have {found.width} columns, of which the first {lowest} are of no class."
        if found.width
        else ""
    )
    yield finding(
        "SW739",
        "loader",
        title,
        f"The labels of {title} are classes {lowest} to {found.highest}, as far as they were read, and the loss "
        f"numbers them from 0.{of_columns} Numbered from 0 they are taken.",
        fix=f"classes - {lowest}, and one-hot then: {found.width - lowest} columns"
        if found.width
        else f"labels - {lowest}",
        axis=1 if found.width else None,
        axis_name="classes",
        expected=found.width - lowest if found.width else 0,
        got=found.width or lowest,
        verified=True,
    )


def samples_behind(evidence: LoaderEvidence) -> Iterator[Finding]:
    """Samples along the second axis of the inputs, which the model takes for steps or for features."""
    found = evidence.tried.samples_behind
    if found is None:
        return
    samples, (rows, *_) = found.samples, found.shape
    title, step = evidence.settings.title, evidence.settings.collate
    reads = (
        f"`{found.layer}` reads them as steps of {rows} samples"
        if found.layer
        else f"{rows} rows meet {samples} labels"
    )
    details: dict[str, Any] = {"fix": _FRONT, "verified": True} if evidence.edit is None else evidence.edit.details
    yield finding(
        "SW737",
        "loader",
        step or title,
        f"{title} draws {samples} samples for a batch, and `{step}` puts them along axis 1 of the inputs, "
        f"{found.shape}, where axis 0 has {rows}: {reads}. With the samples in front the model takes the batch.",
        op=step,
        axis=0,
        axis_name="batch",
        expected=samples,
        got=rows,
        **details,
    )


def rows_of_zeros(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A last batch that was filled up to the full size with nothing."""
    empty = evidence.empty_rows
    if empty is None:
        return
    yield finding(
        "SW715",
        "loader",
        evidence.settings.title,
        f"The last batch has {empty.size} rows, but only {empty.filled} of them hold a sample: the other "
        f"{empty.size - empty.filled} are zero in the inputs and in the labels, and are learned from.",
        fix="make the arrays of the last batch as long as the samples that are left",
        axis=0,
        axis_name="batch",
        expected=empty.filled,
        got=empty.size,
        verified=evidence.tried.without_empty_rows is not None and evidence.tried.without_empty_rows.refusal is None,
    )


def target_in_inputs(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A window that holds the value that is to be foretold."""
    found = evidence.target_step
    if found is None:
        return
    yield finding(
        "SW716",
        "loader",
        evidence.settings.title,
        f"The target of every sample that was read is inputs{found} of the same sample, to the last bit: it is step "
        f"{found.step} of a window of {found.steps}, which has steps 0 to {found.steps - 1}. There is nothing to "
        f"foretell; the first step behind the window is step {found.steps}.",
        fix=f"give each window the target of {found.shift} sample{'' if found.shift == 1 else 's'} later: "
        f"targets[{found.shift}:], and data[:-{found.shift}]",
        axis=1,
        axis_name="time",
        expected=f"step {found.steps}, behind the window",
        got=f"step {found.step}",
        verified=found.is_mended,
    )


def arrays_of_two_lengths(title: str, lengths: Sequence[int], source: SourceLine | None, why: str = "") -> Finding:
    """Arrays that were to be one data set, and are not of one length; `why`, where that is known."""
    first = lengths[0]
    other = next(length for length in lengths if length != first)
    large, small = max(first, other), min(first, other)
    factor = f" {large} = {large // small} x {small}." if small and large % small == 0 else ""
    return finding(
        "SW713",
        "loader",
        title,
        f"`{title}` is given arrays of {' and '.join(map(str, lengths))} samples, and takes one row of each as a "
        f"sample.{why or factor}",
        fix=f"give all of them as many rows: look at what made {first} of the one and {other} of the other",
        axis=0,
        axis_name="batch",
        expected=first,
        got=other,
        source=source,
    )


def inputs_in_a_list(
    count: int, shape: tuple[int, ...], samples: int, source: SourceLine | None, edit: SourceEdit | None
) -> Finding:
    """Arrays that `from_tensor_slices` stacks, and that were each to be an input.

    Args:
        count: How many are in the list.
        shape: The shape of each.
        samples: How many samples there are.
        source: The user's line.
        edit: The change of it that makes a tuple of the list.
    """
    return finding(
        "SW713",
        "loader",
        "from_tensor_slices",
        f"`from_tensor_slices` makes one tensor of a list: {count} arrays of {shape} become {(count, *shape)}, whose "
        f"first axis, {count}, stands against the {samples} samples of what is beside it. A tuple keeps them apart, "
        f"and gives {samples} samples.",
        fix=edit.line if edit is not None else "a tuple of the inputs in place of the list",
        patch=edit.diff() if edit is not None else None,
        op="from_tensor_slices",
        axis=0,
        axis_name="samples",
        expected=samples,
        got=count,
        source=source,
        verified=True,
    )


def parts_are_not_the_whole(
    samples: int, lengths: Sequence[int], source: SourceLine | None, edit: SourceEdit | None, *, is_mended: bool
) -> Finding:
    """A split whose lengths do not add up to the length of the data set.

    Args:
        samples: How many samples the data set has.
        lengths: How many each part was to have.
        source: The user's line.
        edit: The change of it that gives the last part what the others leave.
        is_mended: Whether the data set was split so.
    """
    total, others = sum(lengths), sum(lengths[:-1])
    added = " + ".join(map(str, lengths))
    left = (
        f"{samples - total} of them would be in no part: lengths that are rounded down leave some over."
        if total < samples
        else f"{total - samples} too many are asked for."
    )
    asked = f"`random_split` is asked for {added} = {total} samples of a data set of {samples}. {left}"
    rest = f" The last part has to have {samples} - {others} = {samples - others}." if is_mended else ""
    return finding(
        "SW747",
        "loader",
        "random_split",
        asked + rest,
        fix=edit.line if edit is not None else "give the last part what the others leave: len(dataset) - sum(others)",
        patch=edit.diff() if edit is not None else None,
        op="random_split",
        axis=0,
        axis_name="samples",
        expected=samples,
        got=total,
        source=source,
        verified=is_mended,
    )
