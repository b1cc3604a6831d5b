"""Changes of one tensor's axes, as tensor methods: how they are written, and what they do to the dims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType

from shapewidget.graph.dims import Dim, constant, product

Dims = tuple[Dim, ...]
Item = int | slice | EllipsisType | None


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a tensor method, an index, or a function that stands for one.

    Attributes:
        name: The method: "squeeze", "transpose"; "index" for brackets, "one_hot" for the function of that name,
            "sub" for a minus sign.
        arguments: Its arguments; of an index, what stands in the brackets.
    """

    name: str
    arguments: tuple[object, ...] = ()

    def on(self, text: str) -> str:
        """The step applied to an expression: "outputs.squeeze(-1)", "outputs[:, -1]"."""
        if self.name == "index":
            return f"{text}[{', '.join(map(_item_text, self.arguments))}]"
        if self.name == "one_hot":
            return f"torch.nn.functional.one_hot({text}, {self.arguments[0]})"
        if self.name == "sub":
            return f"{text} - {self.arguments[0]}"
        return f"{text}.{self.name}({', '.join(map(repr, self.arguments))})"


Steps = tuple[Step, ...]


def written(steps: Sequence[Step], text: str) -> str:
    """An expression with all steps applied to it."""
    for step in steps:
        text = step.on(text)
    return text


def index(*items: Item) -> Step:
    """Brackets behind a tensor; `WHOLE` is a colon."""
    return Step("index", items)


WHOLE = slice(None)


def _item_text(item: object) -> str:
    if item is Ellipsis:
        return "..."
    if isinstance(item, slice):
        return ":".join("" if bound is None else str(bound) for bound in (item.start, item.stop))
    return repr(item)


def dims_after(step: Step, dims: Dims) -> Dims | None:
    """The axes once a step was taken; None where it cannot be taken, or its result is not known."""
    rank, first = len(dims), step.arguments[0] if step.arguments else None
    if step.name == "index":
        return _indexed(dims, step.arguments)
    if step.name == "transpose":
        one, other = (int(axis) % rank for axis in step.arguments)  # type: ignore[call-overload]
        made = list(dims)
        made[one], made[other] = dims[other], dims[one]
        return tuple(made)
    if step.name == "permute":
        return tuple(dims[axis] for axis in step.arguments)  # type: ignore[call-overload]
    if step.name == "flatten":
        start = first if isinstance(first, int) else 0
        end = step.arguments[1] if len(step.arguments) > 1 else rank - 1
        return (*dims[:start], product(dims[start : end + 1]), *dims[end + 1 :])  # type: ignore[operator]
    if step.name in ("sub", "long", "float", "double", "contiguous"):
        return dims
    if step.name == "one_hot" and isinstance(first, int):
        return (*dims, constant(first))
    if not isinstance(first, int):
        return None
    if step.name == "unsqueeze":
        place = first % (rank + 1)
        return (*dims[:place], constant(1), *dims[place:])
    place = first % rank if rank else 0
    if step.name == "squeeze" and dims[place] == constant(1):
        return (*dims[:place], *dims[place + 1 :])
    if step.name in ("mean", "argmax", "sum"):
        return (*dims[:place], *dims[place + 1 :])
    return None


def _indexed(dims: Dims, items: Sequence[object]) -> Dims | None:
    made: list[Dim] = []
    place = 0
    for item in items:
        if item is None:
            made.append(constant(1))
        elif item == WHOLE and place < len(dims):
            made.append(dims[place])
            place += 1
        elif isinstance(item, int) and place < len(dims):
            place += 1
        else:
            return None
    return (*made, *dims[place:])
