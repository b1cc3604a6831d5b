"""Steps of a pipeline that are meant for samples and are given batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.loader_evidence import LoaderEvidence
from shapewidget.graph.records import SourceLine
from shapewidget.graph.remedies import SourceEdit

Shape = Sequence[int | None]


def statistics_of_the_batch(evidence: LoaderEvidence) -> Iterator[Finding]:
    """A function behind the batching whose result for a sample changes with the other samples of its batch."""
    found = evidence.origins.statistics
    if found is None:
        return
    size, rest = found.shape[0], (1,) * (len(found.shape) - 1)
    if found.stage:
        given = (
            f"`{found.step}({found.function})` stands behind {found.stage}, so that it is given {size} samples at once"
        )
        measured = f"over the batch, (), and not once for each sample, {(size, *rest)}"
        fix, expected = f"{found.step}({found.function}) before {found.stage}", f"once for each sample, {(size, *rest)}"
    else:
        given, measured = f"`{found.function}` makes the batch, of {size} samples", "over the batch"
        fix, expected = (
            "measure it once over all of the data, and scale every sample by that",
            "once for all of the data",
        )
    yield finding(
        "SW717",
        "loader",
        evidence.settings.title,
        f"{given}. When one of them is replaced, all {size} rows of {found.shape} change: what it measures, it "
        f"measures {measured}. A sample then depends on its neighbours.",
        fix=fix,
        op=found.step,
        axis=0,
        axis_name="batch",
        expected=expected,
        got="once for the batch, ()" if found.stage else f"once for every batch of {size}",
        verified=found.is_mended,
    )


def refuses_batches(
    function: str,
    stage: str,
    batch: Shape,
    sample: Shape,
    made: Shape,
    source: SourceLine | None,
    edit: SourceEdit | None,
) -> Finding:
    """A function of `map` that raises for a batch and runs on a sample.

    Args:
        function: What it is called.
        stage: What makes the batches: "batch".
        batch: The shape that it is given, None for an axis of any size.
        sample: The shape of one sample.
        made: The shape of what it makes of that.
        source: The line that calls `map`.
        edit: The change that lets `map` and the batching change places.
    """
    given, alone, gives = (_shape_text(shape) for shape in (batch, sample, made))
    name = function if function == "the function" else f"`{function}`"
    return finding(
        "SW748",
        "loader",
        "map",
        f"`map` stands behind `{stage}`, so that {name} is given {given}, which has {len(batch)} axes, and raises. "
        f"A sample is {alone} and has {len(sample)}: of each of them {name} makes {gives}.",
        fix=edit.line if edit is not None else f"map before {stage}",
        patch=edit.diff() if edit is not None else None,
        op=function if function != "the function" else "map",
        axis_name="number of axes",
        expected=len(sample),
        got=len(batch),
        source=source,
        verified=True,
    )


def _shape_text(shape: Shape) -> str:
    """A shape in which B stands for a first axis of any size."""
    sizes = ["?" if size is None else str(size) for size in shape]
    sizes[:1] = ["B" if shape[:1] == (None,) else each for each in sizes[:1]]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
