"""Labels that only fill a batch up, and a loss that counts them."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.loader_evidence import LoaderEvidence


def padding_counted(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A loss that depends on what a model says where there is no label."""
    found = evidence.tried.counted_padding
    if found is None:
        return
    labels = found.labels
    reason = (
        f"The labels of {len(labels.lengths)} samples are filled up with {labels.value} to {labels.steps} steps: of "
        f"{labels.all} labels {labels.own} are of the data. `{found.loss}` counts the other {labels.all - labels.own} "
        f"too, as class {labels.value}, and the more of them the longer the longest sequence of the batch is."
    )
    is_of_loader = labels.is_class  # what fills up is a class, and has to be another number
    yield finding(
        "SW734",
        "loader" if is_of_loader else "loss",
        (evidence.settings.collate or evidence.settings.title) if is_of_loader else found.loss,
        reason,
        fix=found.fix,
        axis=1,
        axis_name="time",
        expected=labels.own,
        got=labels.all,
        verified=found.is_mended,
    )
