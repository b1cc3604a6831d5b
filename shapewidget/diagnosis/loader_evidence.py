"""What the rules about loaders look at: the batches of a pass, how it ended, and what the model made of some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shapewidget.diagnosis.findings import Finding
from shapewidget.graph.batches import (
    BatchRecord,
    EmptyRows,
    Failure,
    InnerPass,
    LoaderSettings,
    Mispaired,
    NestedSets,
    NumberedFrom,
    Ranks,
    Redrawn,
    SamplesBehind,
    SharedStatistics,
    Skipped,
    TargetStep,
    TurnedLabels,
    WorkerShare,
)
from shapewidget.graph.padding import CountedPadding
from shapewidget.graph.records import SourceLine


@dataclass(frozen=True)
class Trial:
    """One batch that was run through a copy of the model and its loss.

    Attributes:
        refusal: What was found first, where the batch was refused.
        mixes_samples: Whether layers took statistics over the batch, so that a small one makes poor ones.
        reads_as_steps: The first layer that was given the samples of the batch on the axis of its steps.
        keeps_state: The first layer that keeps its state from batch to batch.
    """

    refusal: Finding | None = None
    mixes_samples: bool = False
    reads_as_steps: str = ""
    keeps_state: str = ""


@dataclass(frozen=True)
class LoaderEdit:
    """An edit of the code that makes the batches, with which they came out right.

    Attributes:
        fix: The line as edited.
        patch: The edit as a unified diff.
        source: The line as it is, and the expression in it that was replaced.
    """

    fix: str
    patch: str
    source: SourceLine

    @property
    def details(self) -> dict[str, Any]:
        """What a finding says of it."""
        return {"fix": self.fix, "patch": self.patch, "source": self.source, "verified": True}


@dataclass(frozen=True)
class Tried:
    """What a model, and its loss, makes of batches.

    Attributes:
        batches: Of those that differ, by their index; empty without a model.
        has_loss: Whether those runs had a loss.
        mended: Of the batch that failed, once a fix had made it.
        as_many_labels: Of the first batch with a label for each sample, where there are others.
        remainder: Of the samples that drop_last leaves out.
        without_empty_rows: Of the last batch without its rows of zeros.
        one_axis_less: Of a refused first batch once its first axis was taken away.
        one_axis_more: Of that batch with one more axis in front.
        unstacked: Of a refused first batch whose samples are batches of one, each taken out of its own.
        rounded_off: Of the samples that a length rounded down leaves out of every pass.
        counted_padding: Padding among the labels that the loss counts.
        turned_back: Of the first batch with its labels the other way round.
        numbered_from: Classes that do not begin at 0, where the first batch was run with classes that do, and only so
            was taken.
        sliced: Of a first batch whose only element holds all of the samples, of so many of these as a batch is to have.
        samples_behind: Where the first batch was run once more with its samples in front, and only so was right.
    """

    batches: Mapping[int, Trial] = field(default_factory=dict)
    has_loss: bool = False
    mended: Trial | None = None
    as_many_labels: Trial | None = None
    remainder: Trial | None = None
    without_empty_rows: Trial | None = None
    one_axis_less: Trial | None = None
    one_axis_more: Trial | None = None
    unstacked: Trial | None = None
    rounded_off: Trial | None = None
    counted_padding: CountedPadding | None = None
    turned_back: Trial | None = None
    numbered_from: NumberedFrom | None = None
    samples_behind: SamplesBehind | None = None
    sliced: Trial | None = None


@dataclass(frozen=True)
class Origins:
    """Where the samples of the batches come from, and what they are put together with.

    Attributes:
        inner: The loaders that are read, and how far.
        is_whole_when_repeated: Whether the longest of those was read to its end once shorter ones were repeated.
        workers: What its workers read, where each of them reads everything.
        ranks: What its ranks read, where it is split over some.
        is_whole_when_weighed: Whether a sampler of class weights draws from all of the data with one for each sample.
        statistics: The step behind the batching that makes samples depend on one another.
        mispaired: Labels that are as many as the samples, and not theirs.
        redrawn: Stages that stand on the wrong side of one that draws at random.
        skipped: A stage that leaves all batches out.
        nested_sets: Elements that are data sets themselves.
        in_one_element: How many samples lie in the only element that a batch is made of.
        joins_targets: Whether the targets of a batch are the rows of all its samples, any number of each.
    """

    inner: tuple[InnerPass, ...] = ()
    is_whole_when_repeated: bool = False
    workers: WorkerShare | None = None
    ranks: Ranks | None = None
    is_whole_when_weighed: bool = False
    statistics: SharedStatistics | None = None
    mispaired: Mispaired | None = None
    redrawn: tuple[Redrawn, ...] = ()
    skipped: Skipped | None = None
    nested_sets: NestedSets | None = None
    in_one_element: int | None = None
    joins_targets: bool = False


@dataclass(frozen=True)
class LoaderEvidence:
    """A loader after one pass, or the first part of one.

    Attributes:
        settings: How it was set up.
        batches: What it gave.
        is_complete: Whether the pass came to its end by itself.
        failure: The error that ended it.
        tried: What the model makes of the batches.
        origins: Where their samples come from.
        empty_rows: Rows of zeros in the last batch.
        target_step: The step of the inputs that every target is.
        turned_labels: One-hot labels whose samples lie along the second axis.
        rows_go_on: Whether each row of a batch goes on in the next row of it.
        edit: An edit of the user's code that mends the batches.
    """

    settings: LoaderSettings
    batches: tuple[BatchRecord, ...] = ()
    is_complete: bool = True
    failure: Failure | None = None
    tried: Tried = field(default_factory=Tried)
    origins: Origins = field(default_factory=Origins)
    empty_rows: EmptyRows | None = None
    target_step: TargetStep | None = None
    turned_labels: TurnedLabels | None = None
    rows_go_on: bool = False
    edit: LoaderEdit | None = None

    @property
    def left_out(self) -> int:
        """How many samples drop_last leaves out of a pass."""
        samples, size = self.settings.samples, self.settings.batch_size
        return samples % size if self.settings.drop_last and samples is not None and size else 0
