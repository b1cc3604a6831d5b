"""Labels that are as many as the samples of their batch, and belong to others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.loader_evidence import LoaderEvidence
from shapewidget.graph.batches import Columns, CutApart, JoinedApart, Misnumbered, Misplaced, Renumbered, RowsApart

_CUT = "cut inputs and labels by one slice: rows = slice(index * size, (index + 1) * size)"


def labels_of_others(evidence: LoaderEvidence) -> Iterator[Finding]:
    """The first way in which inputs and labels part."""
    match evidence.origins.mispaired:
        case RowsApart() as found:
            yield _apart(found)
        case Renumbered() as found:
            yield _renumbered(found)
        case Misnumbered() as found:
            yield _misnumbered(found)
        case JoinedApart() as found:
            yield _joined(found)
        case Columns() as found:
            yield _columns(found)
        case Misplaced() as found:
            yield _misplaced(found)
        case CutApart() as found:
            yield _cut_apart(found, evidence)


def _apart(found: RowsApart) -> Finding:
    reason = (
        f"`{found.step}` moves inputs and labels apart: {found.apart} of {found.rows} samples come out with the label "
        f"of another one. All inputs and all labels are there, each in an order of its own."
    )
    got, fix = (
        f"{found.apart} of {found.rows} labels at another sample",
        "reorder both by one list of indices: x, y = x[order], y[order]",
    )
    if not found.rows:
        reason = (
            f"`{found.step}` joins a stream of inputs and one of their labels, and they are not shuffled alike: each "
            f"input comes with the label of another one."
        )
        got, fix = "two orders", "zip first, then shuffle: tf.data.Dataset.zip((inputs, labels)).shuffle(...)"
    return _said(
        "SW725",
        found.step,
        reason,
        fix=fix,
        axis_name="order of the samples",
        expected="one order for inputs and labels",
        got=got,
        verified=found.is_mended,
    )


def _joined(found: JoinedApart) -> Finding:
    return _said(
        "SW733",
        found.step,
        f"`{found.step}` makes each sample of a row of two loaders, and both of them shuffle their {found.samples} "
        f"samples for themselves: {found.apart} of {found.rows} samples are made of the rows of two.",
        fix="one data set that holds both, shuffled once: StackDataset(one, other)",
        axis_name="order of the samples",
        expected="the same order in both loaders",
        got="two independent orders",
        verified=found.is_mended,
    )


def _columns(found: Columns) -> Finding:
    samples, features = found.samples, found.features
    return _said(
        "SW735",
        found.step,
        f"`{found.step}` gives (features, samples) = ({features}, {samples}) in the place of (samples, features) = "
        f"({samples}, {features}): its first row holds the first feature of {min(samples, features)} samples, not the "
        f"{features} features of one. `default_collate` makes columns of samples that hold a list of numbers.",
        fix="torch.stack(columns, dim=1); or let each sample hold a tensor, torch.tensor(row)",
        axis_name="samples",
        expected=(samples, features),
        got=f"({features} features, {samples} samples)",
        verified=True,
    )


def _renumbered(found: Renumbered) -> Finding:
    (batch, number), (later, other) = found.first, found.other
    return _said(
        "SW726",
        found.step,
        f"`{found.step}` numbers the classes of each batch by themselves: class {found.label} is {number} in batch "
        f"{batch} and {other} in batch {later}. A number does not mean one class, so there is nothing to learn.",
        fix="number the classes once, for the whole data set, and look the number up in every batch",
        axis_name="class numbers",
        expected=f"{number} for class {found.label}",
        got=other,
    )


def _misnumbered(found: Misnumbered) -> Finding:
    return _said(
        "SW727",
        found.step,
        f"`{found.step}` writes into column {found.column} which sample a row is of, and counts without the "
        f"{found.empty} samples that have no row: the rows of sample {found.sample} are numbered {found.number}, and "
        f"so belong to another one.",
        fix="number the samples first, then leave out those without a row",
        axis_name="sample index",
        expected=found.sample,
        got=found.number,
    )


def _misplaced(found: Misplaced) -> Finding:
    return _said(
        "SW738",
        found.step,
        f"`{found.step}` joins the rows of the samples, and moves the indices of each of them. The rows of sample "
        f"{found.sample} begin at row {found.begins} of the joined ones, and its indices are moved by {found.moved}: "
        f"they point to rows of other samples.",
        fix=found.edit or "move the indices by the number of all rows before: offset += len(rows)",
        axis_name="rows",
        expected=found.begins,
        got=found.moved,
        patch=found.patch,
        source=found.source,
        verified=bool(found.edit),
    )


def _cut_apart(found: CutApart, evidence: LoaderEvidence) -> Finding:
    size, begin, label = found.size, found.inputs, found.labels
    if label is not None:
        what = (
            f"`{found.step}` gives batch {found.batch} the inputs of rows {begin} to {begin + size - 1} and the labels "
            f"of rows {label} to {label + size - 1}. Of the {found.rows} rows that it holds side by side, other "
            f"batches have theirs at other distances."
        )
        expected, got = begin, label
    else:
        what = (
            f"Batch {found.batch} of `{found.step}` begins at row {begin}, among the {size} rows of the batch before, "
            f"and so does every one. A pass comes to row {found.read - 1}, and the other {found.rows - found.read} of "
            f"{found.rows} rows are never read."
        )
        expected, got = size, begin
    details = {"fix": _CUT} if evidence.edit is None else evidence.edit.details
    return _said(
        "SW725" if label is not None else "SW703",
        found.step,
        what,
        axis_name="rows",
        expected=expected,
        got=got,
        **details,
    )


def _said(code: str, step: str, reason: str, **details: Any) -> Finding:
    return finding(code, "loader", step, reason, op=step, axis=0, **details)
