"""What is said about a mistake, and the catalogue of all that can be said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shapewidget.graph.records import SourceLine


class Severity(StrEnum):
    """How bad it is, the worst first."""

    MISMATCH = "mismatch"
    """It fails, or will fail at another size."""
    COINCIDENCE = "coincidence"
    """It runs, but not for the reason that its author thinks."""
    NOTE = "note"
    """Worth knowing; nothing has to be done."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An entry of the catalogue.

    Attributes:
        code: Stable name, as of a lint rule.
        title: A few words.
        severity: The severity of its findings.
    """

    code: str
    title: str
    severity: Severity


RULES = (
    Rule("SW101", "The layer was built for another width", Severity.MISMATCH),
    Rule("SW102", "The convolution was built for another number of channels", Severity.MISMATCH),
    Rule("SW103", "The normalisation was built for another width", Severity.MISMATCH),
    Rule("SW104", "The hidden state has another shape than the input asks for", Severity.MISMATCH),
    Rule("SW105", "The state is put together in another way", Severity.MISMATCH),
    Rule("SW106", "A tuple stands where one tensor is taken", Severity.MISMATCH),
    Rule("SW107", "The inputs of the attention do not go together", Severity.MISMATCH),
    Rule("SW108", "The mask does not fit the scores", Severity.MISMATCH),
    Rule("SW110", "The layer takes another number of axes", Severity.MISMATCH),
    Rule("SW112", "The recurrent layer gives the wrong number of axes", Severity.MISMATCH),
    Rule("SW113", "The axes were never flattened", Severity.MISMATCH),
    Rule("SW114", "The batch axis is missing", Severity.MISMATCH),
    Rule("SW115", "The number of features is not known", Severity.MISMATCH),
    Rule("SW116", "A stateful layer is given another batch size", Severity.MISMATCH),
    Rule("SW117", "The window is larger than what it slides over", Severity.MISMATCH),
    Rule("SW118", "The size does not divide into equal parts", Severity.MISMATCH),
    Rule("SW119", "The model has another number of inputs", Severity.MISMATCH),
    Rule("SW201", "The shapes do not broadcast", Severity.MISMATCH),
    Rule("SW202", "The tensors cannot be joined", Severity.MISMATCH),
    Rule("SW203", "The matrices cannot be multiplied", Severity.MISMATCH),
    Rule("SW204", "The values do not fit into the new shape", Severity.MISMATCH),
    Rule("SW205", "The view needs contiguous memory", Severity.MISMATCH),
    Rule("SW206", "The heads do not divide the width", Severity.MISMATCH),
    Rule("SW207", "A tensor is taken apart along another axis", Severity.MISMATCH),
    Rule("SW301", "Outputs and targets do not fit together", Severity.MISMATCH),
    Rule("SW302", "Every sample is compared with every other", Severity.COINCIDENCE),
    Rule("SW303", "Positions are folded into the batch", Severity.MISMATCH),
    Rule("SW304", "There is one class only", Severity.COINCIDENCE),
    Rule("SW305", "The targets have another form than is read", Severity.COINCIDENCE),
    Rule("SW306", "The weights do not fit the losses", Severity.MISMATCH),
    Rule("SW307", "The weights weigh no samples", Severity.COINCIDENCE),
    Rule("SW308", "An output that no loss reads", Severity.NOTE),
    Rule("SW309", "The batch is no whole number of groups", Severity.MISMATCH),
    Rule("SW310", "The loss reads values of another range", Severity.COINCIDENCE),
    Rule("SW311", "One target is set against several outputs", Severity.COINCIDENCE),
    Rule("SW312", "The loss is no single number", Severity.MISMATCH),
    Rule("SW401", "Not a shape: the dtype is wrong", Severity.MISMATCH),
    Rule("SW402", "Not a shape: an index is out of range", Severity.MISMATCH),
    Rule("SW403", "Not a shape: the tensor is on another device", Severity.MISMATCH),
    Rule("SW404", "Not a shape: the memory is full", Severity.MISMATCH),
    Rule("SW405", "Not a shape: a loss refuses the values", Severity.MISMATCH),
    Rule("SW501", "The sizes agree only by coincidence", Severity.NOTE),
    Rule("SW502", "The batch size is built into the model", Severity.COINCIDENCE),
    Rule("SW503", "The layer reads the batch as time", Severity.COINCIDENCE),
    Rule("SW504", "Is the first axis the batch?", Severity.NOTE),
    Rule("SW601", "The view swaps axes and moves no values", Severity.COINCIDENCE),
    Rule("SW602", "Axes are split and merged with nothing between", Severity.COINCIDENCE),
    Rule("SW603", "The operation runs along the batch", Severity.COINCIDENCE),
    Rule("SW604", "The positions are those of the samples", Severity.COINCIDENCE),
    Rule("SW605", "One direction has read a single step", Severity.COINCIDENCE),
    Rule("SW606", "The state is taken behind the padding", Severity.COINCIDENCE),
    Rule("SW607", "The convolution slides along the features", Severity.COINCIDENCE),
    Rule("SW608", "The weights add up to 1 along another axis than is summed", Severity.COINCIDENCE),
    Rule("SW609", "A softmax of one value is always 1", Severity.COINCIDENCE),
    Rule("SW610", "The batch is lost", Severity.COINCIDENCE),
    Rule("SW611", "Two axes have one size by chance", Severity.COINCIDENCE),
    Rule("SW612", "squeeze() drops a batch of one", Severity.COINCIDENCE),
    Rule("SW613", "The statistics run along another axis than the channels", Severity.COINCIDENCE),
    Rule("SW614", "Class ids are read as positions", Severity.COINCIDENCE),
    Rule("SW615", "The mask hides queries, not keys", Severity.COINCIDENCE),
    Rule("SW616", "Two orders of one batch meet", Severity.COINCIDENCE),
    Rule("SW617", "The attention runs over the heads", Severity.COINCIDENCE),
    Rule("SW618", "Vectors are compared along their positions", Severity.COINCIDENCE),
    Rule("SW619", "The mask is the wrong way round", Severity.COINCIDENCE),
    Rule("SW620", "A zero hides nothing from a softmax", Severity.COINCIDENCE),
    Rule("SW621", "Axes are merged in one order and split in another", Severity.COINCIDENCE),
    Rule("SW622", "The attention mask has no axis for the queries", Severity.COINCIDENCE),
    Rule("SW624", "The samples are added up before the margin", Severity.COINCIDENCE),
    Rule("SW625", "The mask of the padding is lost", Severity.COINCIDENCE),
    Rule("SW626", "The operation runs along the features, not time", Severity.COINCIDENCE),
    Rule("SW627", "The scores are divided by the length, not the width", Severity.COINCIDENCE),
    Rule("SW628", "Steps from the end meet steps from the start", Severity.COINCIDENCE),
    Rule("SW641", "Every sample is read at the positions of all", Severity.COINCIDENCE),
    Rule("SW642", "Scores are read as class ids", Severity.COINCIDENCE),
    Rule("SW643", "The length of a gradient runs over too few axes", Severity.COINCIDENCE),
    Rule("SW644", "The flip turns the features round, not time", Severity.COINCIDENCE),
    Rule("SW645", "The samples are folded into the channels", Severity.COINCIDENCE),
    Rule("SW646", "The batch is cut in parts, not the features", Severity.COINCIDENCE),
    Rule("SW647", "Samples are taken for the parts of a result", Severity.COINCIDENCE),
    Rule("SW650", "The channels of the picture are read as its rows", Severity.COINCIDENCE),
    Rule("SW651", "The layer takes another axis for the channels", Severity.COINCIDENCE),
    Rule("SW652", "The classes of a pixel do not add up to 1", Severity.COINCIDENCE),
    Rule("SW653", "The samples are added up before they meet their targets", Severity.COINCIDENCE),
    Rule("SW654", "Neighbours on a map are set apart", Severity.COINCIDENCE),
    Rule("SW660", "The softmax runs along another axis than the classes", Severity.COINCIDENCE),
    Rule("SW661", "Features and positions change their places", Severity.COINCIDENCE),
    Rule("SW662", "The state of the last layer is not used", Severity.COINCIDENCE),
    Rule("SW663", "Neighbours in the batch are taken for steps", Severity.COINCIDENCE),
    Rule("SW664", "Every sample is divided by a count of all", Severity.COINCIDENCE),
    Rule("SW665", "Padding is averaged with the data", Severity.COINCIDENCE),
    Rule("SW670", "The parts of the state change their places", Severity.COINCIDENCE),
    Rule("SW671", "The result of a layer is thrown away", Severity.COINCIDENCE),
    Rule("SW672", "Maps of one picture are joined along its rows", Severity.COINCIDENCE),
    Rule("SW673", "One extreme of the whole batch stands for every sample", Severity.COINCIDENCE),
    Rule("SW674", "The sums of a ratio run along an axis of one", Severity.COINCIDENCE),
    Rule("SW675", "The points between two samples are drawn value by value", Severity.COINCIDENCE),
    Rule("SW676", "The product runs along an axis of one", Severity.COINCIDENCE),
    Rule("SW701", "The last batch is short", Severity.NOTE),
    Rule("SW702", "The model does not take every batch", Severity.MISMATCH),
    Rule("SW703", "The same samples are left out of every pass", Severity.COINCIDENCE),
    Rule("SW704", "The loader gives no batch", Severity.COINCIDENCE),
    Rule("SW705", "drop_last leaves samples out of each pass", Severity.NOTE),
    Rule("SW706", "A batch is empty", Severity.COINCIDENCE),
    Rule("SW707", "A pass does not give all of the data", Severity.NOTE),
    Rule("SW708", "Batches are batched again", Severity.MISMATCH),
    Rule("SW709", "The samples were never batched", Severity.MISMATCH),
    Rule("SW711", "The samples cannot be stacked", Severity.MISMATCH),
    Rule("SW712", "The loader raises an error of its own", Severity.MISMATCH),
    Rule("SW713", "Labels and samples are not as many", Severity.MISMATCH),
    Rule("SW714", "One label is spread over the whole batch", Severity.COINCIDENCE),
    Rule("SW715", "The last batch is filled up with zeros", Severity.COINCIDENCE),
    Rule("SW716", "The target stands in the inputs", Severity.COINCIDENCE),
    Rule("SW717", "A step for samples is run on batches", Severity.COINCIDENCE),
    Rule("SW718", "The loader does not go on", Severity.MISMATCH),
    Rule("SW719", "The loader is longer than its length", Severity.NOTE),
    Rule("SW720", "The sampler is of another number of samples", Severity.COINCIDENCE),
    Rule("SW721", "The shorter loader ends the pass", Severity.COINCIDENCE),
    Rule("SW722", "The shorter loader ends the pass, at other samples each time", Severity.NOTE),
    Rule("SW723", "Every step reads the first batch", Severity.COINCIDENCE),
    Rule("SW724", "The iterator was at its end", Severity.COINCIDENCE),
    Rule("SW725", "Labels are put into another order than the inputs", Severity.COINCIDENCE),
    Rule("SW726", "Every batch numbers its classes anew", Severity.COINCIDENCE),
    Rule("SW727", "Rows are numbered past samples without one", Severity.COINCIDENCE),
    Rule("SW728", "The split is another one in every pass", Severity.COINCIDENCE),
    Rule("SW729", "The cache keeps what was drawn at random", Severity.COINCIDENCE),
    Rule("SW730", "Whole batches are shuffled, not samples", Severity.COINCIDENCE),
    Rule("SW731", "Every worker gives all of the samples", Severity.COINCIDENCE),
    Rule("SW732", "A batch of the running loop has other shapes", Severity.NOTE),
    Rule("SW733", "Rows of two orders are joined", Severity.COINCIDENCE),
    Rule("SW734", "Padding is counted as a class", Severity.COINCIDENCE),
    Rule("SW735", "A row holds one feature of all samples", Severity.COINCIDENCE),
    Rule("SW736", "One-hot labels lie along the samples", Severity.COINCIDENCE),
    Rule("SW737", "The samples lie along the second axis", Severity.COINCIDENCE),
    Rule("SW738", "Indices of joined samples point to others", Severity.COINCIDENCE),
    Rule("SW739", "The classes do not begin at 0", Severity.MISMATCH),
    Rule("SW740", "The elements are data sets themselves", Severity.MISMATCH),
    Rule("SW741", "The data is split over the ranks twice", Severity.COINCIDENCE),
    Rule("SW742", "Samples are read by no rank", Severity.COINCIDENCE),
    Rule("SW743", "Ranks read the same samples", Severity.COINCIDENCE),
    Rule("SW744", "The ranks have different numbers of batches", Severity.MISMATCH),
    Rule("SW745", "What the ranks read", Severity.NOTE),
    Rule("SW746", "Every epoch has the same order", Severity.COINCIDENCE),
    Rule("SW747", "The parts of a split are not the whole", Severity.MISMATCH),
    Rule("SW748", "A step for samples is given batches", Severity.MISMATCH),
    Rule("SW749", "One element holds all of the samples", Severity.COINCIDENCE),
    Rule("SW750", "A state goes on in another sample", Severity.COINCIDENCE),
    Rule("SW751", "The loss is divided twice", Severity.COINCIDENCE),
    Rule("SW752", "The losses of a window are added up", Severity.COINCIDENCE),
    Rule("SW753", "Most batches of a window are not learned from", Severity.COINCIDENCE),
    Rule("SW754", "The gradients are cleared before the step", Severity.COINCIDENCE),
    Rule("SW755", "The gradients are never cleared", Severity.COINCIDENCE),
    Rule("SW756", "The optimiser never steps", Severity.COINCIDENCE),
    Rule("SW757", "The last window is not full", Severity.NOTE),
    Rule("SW758", "Batches of unequal numbers of labels weigh the same", Severity.COINCIDENCE),
    Rule("SW759", "The last batches of every epoch are thrown away", Severity.COINCIDENCE),
    Rule("SW760", "The last batch is counted as a full one", Severity.COINCIDENCE),
    Rule("SW801", "The checkpoint is of a model of other sizes", Severity.MISMATCH),
    Rule("SW802", "The checkpoint has other names", Severity.MISMATCH),
    Rule("SW901", "The program raises an error of its own", Severity.MISMATCH),
)

CATALOGUE: dict[str, Rule] = {rule.code: rule for rule in RULES}
"""Every rule by its code."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a program.

    Attributes:
        code: The rule's stable code.
        title: The rule's title.
        severity: How bad it is.
        where: "build", "module", "function", "loss" or "loader".
        layer: Dotted module path; of a function, the operation such as "view".
        op: The operation, where one is at fault.
        scope: Path of the module whose forward holds it.
        axis: The clashing axis.
        axis_name: What it means: "features".
        expected: What was to be there.
        got: What is there.
        reason: One or two sentences with both sizes and their meaning.
        fix: One line of code, or one instruction.
        patch: Unified diff of the user's source.
        source: Where the mistake is.
        verified: Whether the fix was applied to a copy and the program ran with it, and found nothing there.
        layer_id: Id of the node in the graph.
        input: Which of the node's inputs is at fault.
    """

    code: str
    title: str
    severity: Severity
    where: str
    layer: str
    reason: str
    fix: str = ""
    op: str | None = None
    scope: str = ""
    axis: int | None = None
    axis_name: str = ""
    expected: object = None
    got: object = None
    patch: str | None = None
    source: SourceLine | None = None
    verified: bool = False
    layer_id: str = ""
    input: int = 0


def finding(code: str, where: str, layer: str, reason: str, **details: Any) -> Finding:
    """A finding of a rule of the catalogue, with its title and severity."""
    rule = CATALOGUE[code]
    return Finding(code, rule.title, rule.severity, where, layer, reason, **details)
