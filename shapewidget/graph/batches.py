"""What a loader gives: its settings, its batches, what each rank of it reads, and how it failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from shapewidget.graph.records import SourceLine, TensorSpec


@dataclass(frozen=True, slots=True)
class LoaderSettings:
    """How a loader was set up; None where it does not say.

    Attributes:
        title: Class name: "DataLoader".
        samples: Length of its data set.
        rows: How many rows the arrays have that it cuts its batches from.
        batches: How many batches it says it has.
        batch_size: How many samples it asks for at a time.
        drop_last: Whether it leaves out a last batch that is not full.
        shuffles: Whether the order of the samples changes from pass to pass.
        has_own_batches: Whether a batch sampler of the user's decides on the batches.
        collate: Name of the function that makes a batch of samples.
        zipped: Batch sizes of streams that were batched before they were zipped.
        dropping: What its setting is called that leaves a short batch out.
        repeating: How a shorter loader is repeated that is read beside a longer one.
        sampler: Class name of what draws the samples.
        drawn_from: How many samples that knows of.
    """

    title: str
    samples: int | None = None
    rows: int | None = None
    batches: int | None = None
    batch_size: int | None = None
    drop_last: bool = False
    shuffles: bool | None = None
    has_own_batches: bool = False
    collate: str = ""
    zipped: tuple[int, ...] = ()
    dropping: str = "drop_last"
    repeating: str = "zip(itertools.cycle(shorter), longer)"
    sampler: str = ""
    drawn_from: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One tensor or array of a batch.

    Attributes:
        name: Where it stands in the batch: "[1]['boxes']"; "" for a batch that is one tensor.
        spec: Shape, dtype and device.
        is_target: Whether it belongs to what the loss compares with.
    """

    name: str
    spec: TensorSpec
    is_target: bool = False


def is_sequence(rank: int, dtype: str) -> bool:
    """Whether an array of that rank is token ids, or vectors in time."""
    return rank == 3 or (rank == 2 and "int" in dtype)


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """One batch of a pass.

    Attributes:
        index: Its place in the pass, from 0.
        size: How many samples it holds: the first axis of its first part; None where no part has an axis.
        parts: Its tensors and arrays.
        padding: Which share of the steps of its sequences is padding; None where there are no sequences, or where that
            was not looked at.
    """

    index: int
    size: int | None
    parts: tuple[Part, ...] = ()
    padding: float | None = None

    @property
    def length(self) -> int | None:
        """The second axis of its first input that is a sequence: token ids, or vectors in time."""
        shapes = (part.spec.shape for part in self.inputs if is_sequence(len(part.spec.shape), part.spec.dtype))
        return next((shape[1] for shape in shapes), None)

    @property
    def inputs(self) -> tuple[Part, ...]:
        """What the model is given."""
        return tuple(part for part in self.parts if not part.is_target)

    @property
    def targets(self) -> tuple[Part, ...]:
        """What the loss compares with."""
        return tuple(part for part in self.parts if part.is_target)

    @property
    def shapes(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Name and shape of every part; equal for batches of one form."""
        return tuple((part.name, part.spec.shape) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Samples of one batch that cannot be stacked.

    Attributes:
        field: Where in a sample: "[1]['boxes']".
        samples: The indices of two that differ, in the data set where they are known, else in the batch.
        axis: The axis that differs; None where the number of axes, or the kind of value, does.
        shapes: The shapes of the two; of other values their type.
        expected: Size, rank or type of the first.
        got: Of the second.
    """

    field: str
    samples: tuple[int, int]
    axis: int | None
    shapes: tuple[str, str]
    expected: object
    got: object


@dataclass(frozen=True, slots=True)
class Failure:
    """A pass that ended with an error.

    Attributes:
        index: The batch that could not be made.
        step: What failed: "default_collate", the name of a collate function, "__getitem__", "__iter__".
        error: Type and first line of the error.
        sample: The sample that could not be read, where it is a single one's fault.
        disagreement: What cannot be stacked.
        fix: What makes the batch all the same, as one line of code; empty where nothing does.
        source: The line of the user's that raised, or that built the loader's batch.
        is_blocked: Whether no batch came, and no error either.
        readable: How many samples from the first on can be read, where all behind them raise that error.
    """

    index: int
    step: str
    error: str
    sample: int | None = None
    disagreement: Disagreement | None = None
    fix: str = ""
    source: SourceLine | None = None
    is_blocked: bool = False
    readable: int | None = None


@dataclass(frozen=True, slots=True)
class InnerPass:
    """A loader that another loader reads.

    Attributes:
        title: What it is called.
        batches: How many it has.
        drawn: How many were taken.
        shuffles: Whether its order changes from pass to pass.
        unit: What it gives: "batches", or the "elements" of a stream that is batched later.
    """

    title: str
    batches: int
    drawn: int
    shuffles: bool
    unit: str = "batches"


@dataclass(frozen=True, slots=True)
class RankShare:
    """What one rank reads in an epoch.

    Attributes:
        rank: Its number.
        rows: The rows of the whole data that it reads, in order.
        batches: How many batches they make.
        dataset: Number of samples of the data set that its sampler divides.
        replicas: Among how many ranks its sampler divides; None for a sampler that does not divide.
        shuffles: Whether its order changes from epoch to epoch.
        drop_last: Whether its sampler leaves out what cannot be divided.
        sizes: How many samples each of its batches has.
    """

    rank: int
    rows: tuple[int, ...]
    batches: int
    dataset: int
    replicas: int | None
    shuffles: bool
    drop_last: bool = False
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranks:
    """What all ranks read in one epoch.

    Attributes:
        shares: What each of them reads.
        rows: How many rows the data sets of all ranks have together.
        whole: Length of the data that those are a part of.
        same_data: Whether their rows are rows of the same data; None where that cannot be told.
        is_whole_when_divided: Whether samplers that divide the whole data among so many ranks were run, and read all of
            it, each of them its part.
        is_once_when_dealt: Whether parts of every so many samples were made, one a rank, and hold each sample once.
        dividing: How a stream is divided among ranks; empty for data sets, which a sampler divides.
    """

    shares: tuple[RankShare, ...]
    rows: int
    whole: int
    same_data: bool | None = True
    is_whole_when_divided: bool = False
    is_once_when_dealt: bool = False
    dividing: str = ""


@dataclass(frozen=True, slots=True)
class SamplerPasses:
    """The passes that a program made over a sampler whose order depends on its epoch.

    Attributes:
        sampler: Its class.
        passes: How many.
        epoch: The epoch that it stayed at.
        samples: How many samples a pass has.
        next_differs: Whether its order at the next epoch is another one.
    """

    sampler: str
    passes: int
    epoch: int
    samples: int
    next_differs: bool = False


@dataclass(frozen=True, slots=True)
class WorkerShare:
    """What the workers of an iterable data set read, where each of them reads all of it.

    Attributes:
        workers: How many.
        samples: How many samples they give together.
        alone: How many samples one pass without workers gives.
        is_mended: Whether workers that take turns at the samples were run, and gave each once.
    """

    workers: int
    samples: int
    alone: int
    is_mended: bool = False


@dataclass(frozen=True, slots=True)
class EmptyRows:
    """Rows of zeros at the end of the last batch, as nothing else in the pass has them.

    Attributes:
        index: The batch.
        size: Its rows.
        filled: How many of them hold a sample.
    """

    index: int
    size: int
    filled: int


@dataclass(frozen=True, slots=True)
class TargetStep:
    """A step of the windows that every target is equal to.

    Attributes:
        step: Which.
        steps: How many a window has.
        is_mended: Whether the windows move on by one step each, and each target moved on is the step behind a window.
    """

    step: int
    steps: int
    is_mended: bool

    @property
    def shift(self) -> int:
        """By how many samples the targets come too early."""
        return self.steps - self.step

    def __str__(self) -> str:
        """As a subscript of the inputs: "[:, -1]"."""
        return f"[:, {-1 if self.step == self.steps - 1 else self.step}]"


@dataclass(frozen=True, slots=True)
class TurnedLabels:
    """One-hot labels with the classes in front, and the samples behind.

    Attributes:
        classes: How many rows they have.
        samples: How many columns.
    """

    classes: int
    samples: int


@dataclass(frozen=True, slots=True)
class NumberedFrom:
    """Classes that do not begin at 0, as the loss takes them.

    Attributes:
        lowest: The lowest that was read.
        highest: The highest.
        width: How many columns labels have that are one-hot.
    """

    lowest: int
    highest: int
    width: int | None = None


@dataclass(frozen=True, slots=True)
class SamplesBehind:
    """Samples that lie along the second axis of the inputs, where the model takes the first for them.

    Attributes:
        samples: How many the batch is made of.
        shape: Of the first input.
        layer: What reads them as steps; empty where the batch is refused.
    """

    samples: int
    shape: tuple[int, ...]
    layer: str = ""


@dataclass(frozen=True, slots=True)
class SharedStatistics:
    """A step behind the batching that makes every sample of a batch depend on all others.

    Attributes:
        step: The stage: "map".
        function: Name of the function that it runs.
        stage: The stage that makes the batches: "batch(8)"; empty where the function makes them itself.
        shape: Shape of the part that changes.
        is_mended: Whether the step, run on each sample before the batching, gives batches of the same form.
    """

    step: str
    function: str
    stage: str
    shape: tuple[int, ...]
    is_mended: bool


@dataclass(frozen=True, slots=True)
class RowsApart:
    """Inputs and labels that are put into two orders.

    Attributes:
        step: What does so: a collate function, a method, "zip".
        rows: How many rows were looked at; none where it is seen from the step alone.
        apart: How many of them have the label of another sample.
        is_mended: Whether they were put together first and ordered then, and stayed together.
    """

    step: str
    rows: int = 0
    apart: int = 0
    is_mended: bool = False


@dataclass(frozen=True, slots=True)
class Renumbered:
    """A class that has one number in one batch and another in a later one.

    Attributes:
        step: What numbers the classes.
        label: The class, as its samples name it.
        first: The batch, and the number that stands for it there.
        other: A later batch, and the number there.
    """

    step: str
    label: str
    first: tuple[int, int]
    other: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Misnumbered:
    """Rows that name the sample that they belong to, counted without the samples that have none.

    Attributes:
        step: What joins and numbers them.
        column: The column that holds the number.
        sample: The place in the batch of the sample whose rows are numbered farthest off.
        number: How they are numbered.
        empty: How many samples of the batch have no row.
    """

    step: str
    column: int
    sample: int
    number: int
    empty: int


@dataclass(frozen=True, slots=True)
class JoinedApart:
    """Rows of two loaders that one sample is made of, each drawn in an order of its own.

    Attributes:
        step: What joins them.
        rows: How many samples were looked at.
        apart: How many of them are made of two.
        samples: How many samples either has.
        is_mended: Whether both were run from one sampler, and gave the same samples.
    """

    step: str
    rows: int
    apart: int
    samples: int
    is_mended: bool


@dataclass(frozen=True, slots=True)
class Columns:
    """A batch whose rows each hold one feature of all samples.

    Attributes:
        step: What makes it.
        samples: How many samples it has.
        features: How many features each of them has.
    """

    step: str
    samples: int
    features: int


@dataclass(frozen=True, slots=True)
class Misplaced:
    """Indices into the rows of a sample that do not point to its rows once the rows of all samples are joined.

    Attributes:
        step: What joins the samples.
        sample: The place in the batch of the first sample whose indices point elsewhere.
        begins: The joined row at which its rows begin.
        moved: By how much its indices are moved.
        edit: The line as it has to be, where such a line was run.
        patch: The change as a unified diff.
        source: The line as it is.
    """

    step: str
    sample: int
    begins: int
    moved: int
    edit: str = ""
    patch: str | None = None
    source: SourceLine | None = None


@dataclass(frozen=True, slots=True)
class CutApart:
    """A batch that is cut at another row than it should be.

    Attributes:
        step: What cuts it.
        batch: Which batch.
        inputs: The row at which its inputs begin.
        labels: The row at which its labels begin; None where its rows are those of the batch before.
        size: How many rows it has.
        rows: How many there are.
        read: How many of them a pass comes to.
    """

    step: str
    batch: int
    inputs: int
    labels: int | None
    size: int
    rows: int
    read: int = 0


Mispaired = RowsApart | Renumbered | Misnumbered | JoinedApart | Columns | Misplaced | CutApart
"""Labels, or indices, that are as many as those of the samples, and not theirs."""


Effect = Literal["split", "shared", "kept", "together"]


@dataclass(frozen=True, slots=True)
class Redrawn:
    """Two stages in the wrong order, one of which draws at random.

    Attributes:
        stage: The one that reads the other: "skip(80)".
        before: The one that is read: "shuffle(100)".
        effect: What comes of it: a "split" that changes, parts of several ranks that are "shared", a first draw that is
            "kept", or samples that stay "together".
        is_mended: Whether the stages were run in the other order, and it was gone.
    """

    stage: str
    before: str
    effect: Effect
    is_mended: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """A stage that leaves out as many batches as samples are meant, so that none is left.

    Attributes:
        stage: The stage: "skip(80)".
        before: What makes the batches that it reads: "batch(20)".
        count: How many it leaves out.
        batches: How many there are.
        samples: How many samples they hold.
        is_mended: Whether the stages were run in the other order, and gave the samples that are left.
    """

    stage: str
    before: str
    count: int
    batches: int
    samples: int
    is_mended: bool = False


@dataclass(frozen=True, slots=True)
class NestedSets:
    """Elements that are data sets themselves, and no arrays.

    Attributes:
        stage: What makes them: "window(5)".
        fix: What makes arrays of them.
        shape: Of the first array that this gives, where it was run.
    """

    stage: str
    fix: str
    shape: tuple[int, ...] | None = None


def timeline(batches: Sequence[BatchRecord]) -> str:
    """'4 batches: 32, 32, 32, 7'; of many batches the equal ones are counted: '34 batches: 33 × 3, 1'."""
    sizes = [str(batch.size) if batch.size is not None else "?" for batch in batches]
    if len(sizes) > 6:
        runs = [(size, len(list(run))) for size, run in groupby(sizes)]
        sizes = [size if count == 1 else f"{count} × {size}" for size, count in runs]
    if len(sizes) > 8:
        sizes = [*sizes[:6], "…", sizes[-1]]
    count = f"{len(batches):,} batch" + ("" if len(batches) == 1 else "es")
    return f"{count}: {', '.join(sizes)}" if sizes else "no batch"
