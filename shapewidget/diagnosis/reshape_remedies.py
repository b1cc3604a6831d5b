"""Changes of a view or reshape whose sizes do not hold the values."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from dataclasses import dataclass

from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.expressions import receiver_of
from shapewidget.diagnosis.fold_remedies import flattened
from shapewidget.diagnosis.operand_texts import arguments_of
from shapewidget.graph.records import Clash, Layer
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument


def reshape_remedies(evidence: Evidence, clash: Clash, layer: Layer) -> tuple[Remedy, ...]:
    """Let one size follow from the others, or keep the batch and merge the rest."""
    asked = clash.expected if isinstance(clash.expected, tuple) else ()
    one_free = list(_one_free(layer, asked))
    return (*one_free, *flattened(evidence, layer)) if len(asked) > 2 else (*flattened(evidence, layer), *one_free)


def _one_free(layer: Layer, asked: tuple[int, ...]) -> Iterator[EditExpression]:
    """The batch's size read off the tensor, or -1 in the place of one size, where the others divide the values."""
    receiver, arguments = receiver_of(layer.source, layer.name), [ast.unparse(each) for each in arguments_of(layer)]
    if receiver is None or layer.source is None or len(arguments) != len(asked):
        return
    count = math.prod(layer.inputs[0].shape)
    batch = layer.inputs[0].shape[0]
    if asked[0] != batch and -1 not in asked[:1]:
        rest = math.prod(asked[1:])
        if (rest > 0 and batch * rest == count) or (rest < 0 and count % (batch * -rest) == 0):
            texts = [f"{receiver}.size(0)", *arguments[1:]]
            yield EditExpression(layer.source, f"{receiver}.{layer.name}({', '.join(texts)})")
    for place in range(len(asked) - 1, -1, -1):
        others = math.prod(size for each, size in enumerate(asked) if each != place)
        if others > 0 and count % others == 0:
            texts = [*arguments[:place], "-1", *arguments[place + 1 :]]
            yield EditExpression(layer.source, f"{receiver}.{layer.name}({', '.join(texts)})")


@dataclass(frozen=True, slots=True)
class Heads:
    """A width that is split into heads which do not divide it.

    Attributes:
        count: The number of heads.
        size: The whole part of the width that each gets.
        width: The width.
        name: What the program calls the number of heads; empty where it is a plain number.
    """

    count: int
    size: int
    width: int
    name: str


def heads_asked(clash: Clash, layer: Layer) -> Heads | None:
    """Two sizes of a reshape that are a number and the floor of a width by it; None where there are no such."""
    asked = clash.expected if isinstance(clash.expected, tuple) else ()
    arguments = arguments_of(layer)
    if -1 in asked or len(arguments) != len(asked):
        return None
    count = math.prod(layer.inputs[0].shape)
    pairs = [(one, other) for one in range(1, len(asked)) for other in range(1, len(asked)) if one != other]
    for one, other in sorted(pairs, key=lambda pair: (not _divides_by(arguments, *pair), -min(pair))):
        heads, size = asked[one], asked[other]
        rest = math.prod(asked) // (heads * size) if heads * size else 0
        width, left = divmod(count, rest) if rest else (0, 1)
        is_split = not left and heads > 1 and width % heads and width // heads == size
        if is_split and (other == one + 1 or _divides_by(arguments, one, other)):
            return Heads(heads, size, width, _name(arguments[one]))
    return None


def _divides_by(arguments: tuple[ast.expr, ...], one: int, other: int) -> bool:
    """Whether the program writes one size as something divided by the other."""
    node = arguments[other]
    is_division = isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv)
    return is_division and ast.unparse(node.right) == ast.unparse(arguments[one])  # type: ignore[attr-defined]


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def heads_remedies(layer: Layer, heads: Heads) -> Iterator[Remedy]:
    """The nearest numbers of heads that divide the width."""
    divisors = [each for each in range(1, heads.width + 1) if heads.width % each == 0]
    for count in sorted(divisors, key=lambda each: (abs(each - heads.count), -each))[:3]:
        if heads.name:
            yield SetArgument(layer.path, heads.name, count)
