"""Changes that may mend a program: what a rule proposes and an adapter tries on a copy."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from shapewidget.graph.dims import Dim
from shapewidget.graph.records import SourceLine
from shapewidget.graph.steps import Steps, written


@dataclass(frozen=True, slots=True)
class SetArgument:
    """Build a layer with another value of one constructor argument.

    Attributes:
        path: Dotted path of the module to rebuild: "encoder.lstm".
        argument: Name of its constructor argument: "in_features", "batch_first".
        value: The new value.
        dim: The new size as an expression of the model's arguments, where it is a size and was solved.
        also: Further arguments, and their values, that have to change with it.
    """

    path: str
    argument: str
    value: object
    dim: Dim | None = None
    also: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class EditExpression:
    """Replace the expression that was running on a line of the user's code.

    Attributes:
        source: The line; its `expression` is what is replaced.
        replacement: The new expression.
    """

    source: SourceLine
    replacement: str


@dataclass(frozen=True, slots=True)
class AdaptCall:
    """Hand other tensors over: to the loss, or to the model.

    Attributes:
        outputs: What is done to the model's outputs before the loss sees them.
        targets: What is done to the targets.
        inputs: What is done to one input of the model.
        name: The input's name, where it is an input; the weights' name, where it is weights that the loss holds.
        place: Which of the inputs it is, as they are nested.
        weights: What is done to the weights of the samples, or to those of the classes.
    """

    outputs: Steps = ()
    targets: Steps = ()
    inputs: Steps = ()
    name: str = ""
    place: int = 0
    weights: Steps = ()

    def __str__(self) -> str:
        """The call as one writes it."""
        if self.inputs:
            return f"model({written(self.inputs, self.name)})"
        if self.weights:
            name = self.name or "sample_weight"
            return f"{name}={written(self.weights, name)}"
        return f"loss({written(self.outputs, 'outputs')}, {written(self.targets, 'targets')})"


@dataclass(frozen=True, slots=True)
class InsertLayer:
    """Put a layer in front of another one.

    Attributes:
        path: Dotted path of the layer that it comes before.
        type: Name of its class: "Flatten".
        arguments: Arguments of its constructor.
        place: The input of the other layer that it is put on.
    """

    path: str
    type: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    place: int = 0


@dataclass(frozen=True, slots=True)
class TakeFirst:
    """Hand a layer of a sequence the first of several tensors that the layer before it gives.

    Attributes:
        path: Dotted path of the layer.
    """

    path: str


@dataclass(frozen=True, slots=True)
class ReplaceLayer:
    """Take a layer of another class.

    Attributes:
        path: Dotted path of the layer.
        type: Name of the other class: "GlobalMaxPooling2D".
        arguments: Arguments of its constructor.
    """

    path: str
    type: str
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReplaceLoss:
    """Take another loss or metric of the framework; what both were given stays as it is.

    Attributes:
        name: Name of the one that is taken now: "CategoricalCrossentropy".
        replacement: Name of the other, or of the same one with other arguments.
        arguments: Arguments that it is given besides.
    """

    name: str
    replacement: str
    arguments: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class ExchangeTargets:
    """Give each of two outputs' losses the targets of the other.

    Attributes:
        one: Name of one of the losses.
        other: Name of the other.
    """

    one: str
    other: str


@dataclass(frozen=True, slots=True)
class AddLayer:
    """Build one more layer in the constructor of a module.

    Attributes:
        path: Dotted path of the module.
        attribute: What it is kept as: "shortcut".
        name: Name of its class: "Conv2d".
        sizes: Its first arguments, and the same as expressions where they were solved.
        options: Its other arguments.
        wording: Which of the ways to write the sizes is taken, the likeliest being 0.
    """

    path: str
    attribute: str
    name: str
    sizes: tuple[tuple[int, Dim | None], ...]
    options: tuple[tuple[str, int], ...] = ()
    wording: int = 0


@dataclass(frozen=True, slots=True)
class ResizeTable:
    """Build a parameter or buffer of a module with another number of rows.

    Attributes:
        scope: Dotted path of the module whose forward reads it.
        size: How many it has.
        wanted: How many it should have.
        way: Which of the ways to do so is taken, the likeliest being 0.
    """

    scope: str
    size: int
    wanted: int
    way: int = 0


@dataclass(frozen=True, slots=True)
class ReadAlong:
    """Let expressions read the size of another axis of the tensor that they read one off.

    Attributes:
        sources: The expressions, which may read it through a name that a line before gave it.
        axis: The axis whose size they read.
        better: The one to read instead.
    """

    sources: tuple[SourceLine, ...]
    axis: int
    better: int


@dataclass(frozen=True, slots=True)
class KeepMask:
    """Let a layer hand on the mask of padding that it is given.

    Attributes:
        path: Dotted path of the layer.
    """

    path: str


@dataclass(frozen=True, slots=True)
class FitWeight:
    """Make a weight of a layer of the user's own for as many features as the layer is given.

    Attributes:
        path: Dotted path of the layer.
        weight: The attribute that holds the weight.
        axis: The axis of the weight that meets the features.
    """

    path: str
    weight: str
    axis: int


@dataclass(frozen=True, slots=True)
class HandOver:
    """Give a layer something else where it is called: what another layer makes of it, or a mask besides.

    In code that calls it, as that of a class, the edit of that call does it. Of a model that is described by its layers
    this says what the call does, so that it can be done to a copy.

    Attributes:
        path: Dotted path of the layer.
        edit: The edit of the user's call of it; None where that was not seen.
        place: The input of the layer that is another one.
        through: Dotted path of the layer that makes it of the old one; empty for none.
        steps: What else is done to it.
        masked_by: Dotted path of the embedding whose padding is no step of the layer's; empty for no mask.
        window: How many of the embedding's steps are one of the layer's.
    """

    path: str
    edit: EditExpression | None = None
    place: int = 0
    through: str = ""
    steps: Steps = ()
    masked_by: str = ""
    window: int = 1


Change = (
    SetArgument
    | EditExpression
    | AdaptCall
    | InsertLayer
    | ReplaceLayer
    | ReplaceLoss
    | ExchangeTargets
    | AddLayer
    | KeepMask
    | FitWeight
    | HandOver
    | ResizeTable
    | ReadAlong
    | TakeFirst
)
"""One change; only edits of expressions can follow one that builds layers anew."""


@dataclass(frozen=True, slots=True)
class Together:
    """Several changes that only hold all at once."""

    parts: tuple[Change, ...]


Remedy = Change | Together


@dataclass(frozen=True, slots=True)
class SourceEdit:
    """An edit of the user's own source, as whole lines.

    Attributes:
        label: The name that a person knows the source by: "In [3]" or "tagger.py".
        first_line: Number of the first line of `before`, from 1.
        before: The lines as they are, with their line ends.
        after: The lines as they should be.
    """

    label: str
    first_line: int
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def line(self) -> str:
        """What it puts in, on one line."""
        return " ".join(" ".join(self.after).split())

    def diff(self) -> str:
        """The edit as a unified diff whose hunk carries the user's own line numbers."""
        padding = ["\n"] * (self.first_line - 1)
        lines = difflib.unified_diff(
            padding + list(self.before), padding + list(self.after), self.label, self.label, n=0
        )
        return "".join(line if line.endswith("\n") else line + "\n" for line in lines)
