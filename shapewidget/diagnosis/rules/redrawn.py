"""Stages of a pipeline that stand on the wrong side of one that draws at random."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.loader_evidence import LoaderEvidence
from shapewidget.graph.batches import Redrawn


def drawn_at_the_wrong_time(evidence: LoaderEvidence) -> Iterator[Finding]:
    """What is split or shared behind a draw, a cache that keeps the first one, samples that are batched too early."""
    say = {"split": _split, "shared": _shared, "kept": _kept, "together": _together}
    for each in evidence.origins.redrawn[:1]:
        yield say[each.effect](each)


def _split(found: Redrawn) -> Finding:
    return finding(
        "SW728",
        "loader",
        f"Dataset.{found.stage.split('(')[0]}",
        f"`{found.stage}` stands behind `{found.before}`, which draws another order for every pass: what it leaves out "
        f"for another part of the data, such as a training set, is other samples each time, so that the two parts "
        f"share samples.",
        fix="split first, then shuffle each part; or shuffle(..., reshuffle_each_iteration=False)",
        axis=0,
        axis_name="samples of the part",
        expected="the same samples in every pass",
        got="others in every pass",
        verified=found.is_mended,
    )


def _shared(found: Redrawn) -> Finding:
    return finding(
        "SW743",
        "loader",
        "Dataset.shard",
        f"`{found.stage}` stands behind `{found.before}`, which has no seed: every rank is a process of its own and "
        f"draws an order of its own, of which it takes its part. Some samples are in the parts of several ranks, and "
        f"some in none.",
        fix="shard first, then shuffle; or give all ranks the same seed: shuffle(..., seed=0)",
        op="shard",
        axis=0,
        axis_name="samples of a rank",
        expected="the same samples in every pass",
        got="others in every pass",
        verified=found.is_mended,
    )


def _kept(found: Redrawn) -> Finding:
    is_order = found.before.startswith("shuffle")
    what = "the order of the first pass" if is_order else "what the first pass drew for each sample"
    return finding(
        "SW729",
        "loader",
        "Dataset.cache",
        f"`cache()` stands behind `{found.before}` and keeps {what}: all later passes have the same.",
        fix=f"cache first: .cache().{found.before.split('(')[0]}(...)",
        axis=0,
        axis_name="order of the samples" if is_order else "random changes of the samples",
        expected="drawn anew in every pass",
        got="drawn once",
        verified=found.is_mended,
    )


def _together(found: Redrawn) -> Finding:
    return finding(
        "SW730",
        "loader",
        "Dataset.shuffle",
        f"`{found.before}` comes before `{found.stage}`, which so moves whole batches: the samples of a batch are the "
        f"same ones in every pass, neighbours in the data.",
        fix=f"shuffle the samples, then batch them: .shuffle(...).{found.before}",
        axis=0,
        axis_name="samples of a batch",
        expected="drawn anew in every pass",
        got="the same in every pass",
        verified=found.is_mended,
    )
