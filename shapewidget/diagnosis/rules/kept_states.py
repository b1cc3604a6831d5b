"""States that a model keeps from batch to batch, and that go on in other samples."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.loader_evidence import LoaderEvidence


def state_goes_on_elsewhere(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A stateful layer whose row of the next batch is not the next piece of the same sequence."""
    layer = next((trial.keeps_state for trial in evidence.tried.batches.values() if trial.keeps_state), "")
    size = evidence.batches[0].size if evidence.batches else None
    if not layer or not size or size < 2:
        return
    title = evidence.settings.title
    keeps = (
        f"`{layer}` is stateful: its state after row 0 of a batch is the one that row 0 of the next batch begins with"
    )
    if evidence.settings.shuffles:
        yield _found(
            evidence,
            layer,
            f"{keeps}. {title} shuffles, so that this is any other sample, and no state goes on where it ended.",
            "read the pieces in their order, without shuffling, or build the layer with stateful=False",
            "the next piece",
            "any sample",
        )
    elif evidence.rows_go_on:
        yield _found(
            evidence,
            layer,
            f"{keeps}. What follows sample 0 is sample 1, which lies below it in the same batch of {size}: the target "
            f"of each row is what the next row begins with. Row 0 of the next batch is sample {size}, so that every "
            f"state goes on {size - 1} pieces too far.",
            f"side by side {size} parts of the data: x.reshape({size}, -1, *x.shape[1:]).swapaxes(0, 1)"
            f".reshape(x.shape) before the batching, the targets likewise",
            1,
            size,
        )


def _found(evidence: LoaderEvidence, layer: str, reason: str, fix: str, expected: int | str, got: int | str) -> Finding:
    return finding(
        "SW750",
        "loader",
        layer,
        reason,
        fix=fix,
        op=evidence.settings.collate.rpartition(".")[2] or evidence.settings.title,
        axis=0,
        axis_name="batch",
        expected=expected,
        got=got,
    )
