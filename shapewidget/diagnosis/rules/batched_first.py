"""Steps of a pipeline that are meant for samples and are given batches."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.loader_evidence import LoaderEvidence


def statistics_of_the_batch(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A function behind the batching whose result for a sample changes with the other samples of its batch."""
    found = evidence.origins.statistics
    if found is None:
        return
    size, rest = found.shape[0], (1,) * (len(found.shape) - 1)
    yield finding(
        "SW717",
        "loader",
        evidence.settings.title,
        f"`{found.step}({found.function})` stands behind {found.stage}, so that it is given {size} samples at once. "
        f"When one of them is replaced, all {size} rows of {found.shape} change: what it measures, it measures over "
        f"the batch, (), and not once for each sample, {(size, *rest)}. A sample then depends on its neighbours.",
        fix=f"{found.step}({found.function}) before {found.stage}",
        op=found.step,
        axis=0,
        axis_name="batch",
        expected=f"once for each sample, {(size, *rest)}",
        got="once for the batch, ()",
        verified=found.is_mended,
    )
