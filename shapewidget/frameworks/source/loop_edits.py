"""Edits of a training loop that may mend how it adds up gradients: a division, a line moved, a number."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shapewidget.frameworks.source.edits import as_operand
from shapewidget.frameworks.source.loop_replay import LoopReplay
from shapewidget.frameworks.source.repeatable import value_of_name
from shapewidget.frameworks.source.text import Source, Span
from shapewidget.graph.remedies import SourceEdit


@dataclass(frozen=True)
class LoopEdit:
    """A change of a loop.

    Attributes:
        edits: The lines that change.
        names: What names that are set elsewhere are from then on.
    """

    edits: tuple[SourceEdit, ...]
    names: Mapping[str, object] = field(default_factory=dict)

    @property
    def fix(self) -> str:
        """The lines as they are then."""
        lines = [line.strip() for edit in self.edits for line in edit.after if line not in edit.before]
        return "; ".join(dict.fromkeys(lines)) or "without " + "; ".join(
            line.strip() for edit in self.edits for line in edit.before if line not in edit.after
        )

    def patch(self, replay: LoopReplay) -> str:
        """As a unified diff."""
        return replay.edited(self.edits).diff_from(replay.source)


def loop_edits(code: str, replay: LoopReplay, batches: int, drawn: int) -> Iterator[LoopEdit]:
    """Ways to mend a mistake, the likeliest first.

    Args:
        code: What was found.
        replay: The loop.
        batches: How many batches a window has, or is meant to have.
        drawn: How many batches an epoch has.
    """
    if code in _EDITS:
        yield from _EDITS[code](replay, batches)
    elif code == "SW756":
        yield from _counted_down(replay, batches, drawn)


def _undivided(replay: LoopReplay, count: int) -> Iterator[LoopEdit]:
    """Every division by the number of batches, left out."""
    source = replay.source
    for node in ast.walk(replay.loop):
        match node:
            case ast.BinOp(left=left, op=ast.Div(), right=right) if _value(right, replay) == count:
                yield LoopEdit((source.replacing(Span.of(node), as_operand(source, left)),))
            case ast.AugAssign(op=ast.Div(), value=value) if _value(value, replay) == count:
                yield LoopEdit((_without(source, node),))


def _divided(replay: LoopReplay, count: int) -> Iterator[LoopEdit]:
    """Every loss that gradients are taken of, divided by the number of batches."""
    number = _name_of(replay, count) or str(count)
    for call in _calls(replay, "backward"):
        text = replay.source.text(Span.of(call.func.value))  # type: ignore[attr-defined]
        loss = text if text.startswith("(") or text.isidentifier() or text.endswith(")") else f"({text})"
        yield LoopEdit((replay.source.replacing(Span.of(call.func.value), f"({loss} / {number})"),))  # type: ignore[attr-defined]


def _taken_of_all(replay: LoopReplay, count: int) -> Iterator[LoopEdit]:
    """A backward pass that is made once a window, moved in front of the condition."""
    for node in ast.walk(replay.loop):
        if not isinstance(node, ast.If):
            continue
        inner = next((each for each in node.body if _is_call(each, "backward")), None)
        if inner is not None and len(node.body) > 1:
            lines = _lines(replay.source, inner)
            moved = _indented(lines, node.col_offset)
            yield LoopEdit((_without(replay.source, inner), _in_front(replay.source, node, moved)))


def _cleared_behind(replay: LoopReplay, count: int) -> Iterator[LoopEdit]:
    """Gradients that are cleared in every batch, cleared behind the step alone."""
    clears = [each for each in _statements(replay) if _is_call(each, "zero_grad")]
    steps = [each for each in _statements(replay) if _is_call(each, "step")]
    for clear in clears:
        without = _without(replay.source, _alone(replay, clear))
        if len(clears) > 1:
            yield LoopEdit((without,))
        for step in steps:
            lines = _indented(_lines(replay.source, clear), step.col_offset)
            yield LoopEdit((without, _behind(replay.source, step, lines)))


def _cleared(replay: LoopReplay, count: int) -> Iterator[LoopEdit]:
    """Gradients that are cleared behind every step."""
    for step in _statements(replay):
        if _is_call(step, "step"):
            owner = replay.source.text(Span.of(step.value.func.value))  # type: ignore[attr-defined]
            line = f"{' ' * step.col_offset}{owner}.zero_grad()\n"
            yield LoopEdit((_behind(replay.source, step, (line,)),))


def _stepped_at_the_end(replay: LoopReplay, count: int) -> Iterator[LoopEdit]:
    """The condition of a step, true of the last batch of a loader too."""
    source = replay.source
    for loop in ast.walk(replay.loop):
        match loop:
            case ast.For(
                target=ast.Tuple(elts=[ast.Name(id=index), *_]),
                iter=ast.Call(func=ast.Name(id="enumerate"), args=[loader, *start]),
            ):
                first = _value(start[0], replay) if start else 0
                turn = {0: f"{index} + 1", 1: index}.get(first) if isinstance(first, int) else None
                for node in ast.walk(loop):
                    if turn is not None and isinstance(node, ast.If) and _is_every(node, count, replay):
                        span = Span.of(node.test)
                        test = f"{source.text(span)} or {turn} == len({source.text(Span.of(loader))})"
                        yield LoopEdit((source.replacing(span, test),))


def _is_every(node: ast.If, count: int, replay: LoopReplay) -> bool:
    """Whether a step is made once in so many turns."""
    rests = [each for each in ast.walk(node.test) if isinstance(each, ast.BinOp) and isinstance(each.op, ast.Mod)]
    steps = any(_is_call(each, "step") for each in node.body)
    return steps and len(rests) == 1 and _value(rests[0].right, replay) == count


def _counted_down(replay: LoopReplay, count: int, drawn: int) -> Iterator[LoopEdit]:
    """The length of a window, where it is a number or a name that is set once, no longer than the epoch."""
    source = replay.source
    numbers = [each for each in ast.walk(replay.loop) if isinstance(each, ast.Constant) and each.value == count]
    if numbers and len({each.lineno for each in numbers}) == len(numbers):
        yield LoopEdit(tuple(source.replacing(Span.of(each), str(drawn)) for each in numbers))
    name = _name_of(replay, count)
    settings = [
        node.value for node in ast.walk(source.tree)
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]
    ]  # fmt: skip
    if name is not None and len(settings) == 1 and _value(settings[0], replay) == count:
        yield LoopEdit((source.replacing(Span.of(settings[0]), str(drawn)),), {name: drawn})


_EDITS: dict[str, Callable[[LoopReplay, int], Iterator[LoopEdit]]] = {
    "SW751": _undivided,
    "SW752": _divided,
    "SW753": _taken_of_all,
    "SW754": _cleared_behind,
    "SW755": _cleared,
    "SW759": _stepped_at_the_end,
}


def _value(node: ast.expr, replay: LoopReplay) -> object:
    if isinstance(node, ast.Constant):
        return node.value
    value = value_of_name(node, replay.names)
    return value if type(value) is int else None


def _name_of(replay: LoopReplay, count: int) -> str | None:
    """The name that the loop has for the number of batches, where it takes the rest of a division by it."""
    for node in ast.walk(replay.loop):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and _value(node.right, replay) == count:
            return ast.unparse(node.right) if isinstance(node.right, ast.Name | ast.Attribute) else None
    return None


def _statements(replay: LoopReplay) -> Iterator[ast.Expr]:
    yield from (each for each in ast.walk(replay.loop) if isinstance(each, ast.Expr))


def _calls(replay: LoopReplay, method: str) -> Iterator[ast.Call]:
    for node in ast.walk(replay.loop):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
            yield node


def _is_call(statement: ast.stmt, method: str) -> bool:
    """Whether a statement is the call of a method of that name, and stands on lines of its own."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == method


def _lines(source: Source, node: ast.stmt) -> tuple[str, ...]:
    return source.lines[node.lineno - 1 : node.end_lineno]


def _indented(lines: Sequence[str], column: int) -> tuple[str, ...]:
    shift = len(lines[0]) - len(lines[0].lstrip())
    return tuple(" " * column + line[shift:] for line in lines)


def _alone(replay: LoopReplay, statement: ast.stmt) -> ast.stmt:
    """The `if` that holds a statement and nothing else, or the statement."""
    return next(
        (
            node
            for node in ast.walk(replay.loop)
            if isinstance(node, ast.If) and node.body == [statement] and not node.orelse
        ),
        statement,
    )


def _without(source: Source, node: ast.stmt) -> SourceEdit:
    span = Span(node.lineno, 0, node.end_lineno or node.lineno, 0)
    edit = source.replacing(span, "")
    return SourceEdit(edit.label, edit.first_line, edit.before, ())


def _in_front(source: Source, node: ast.stmt, lines: tuple[str, ...]) -> SourceEdit:
    own = source.lines[node.lineno - 1]
    edit = source.replacing(Span(node.lineno, 0, node.lineno, 0), "")
    return SourceEdit(edit.label, node.lineno, (own,), (*lines, own))


def _behind(source: Source, node: ast.stmt, lines: tuple[str, ...]) -> SourceEdit:
    last = node.end_lineno or node.lineno
    edit = source.replacing(Span(last, 0, last, 0), "")
    own = source.lines[last - 1]
    return SourceEdit(edit.label, last, (own,), (own if own.endswith("\n") else own + "\n", *lines))
