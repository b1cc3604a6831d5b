"""Which part of the user's program can be run again from what the frame of an exception still holds.

A frame holds the last value of every variable and none of those before it. So statements are taken, from the failing
expression backwards, as long as nothing that they read was given another value since.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from types import CodeType, FrameType

from shapewidget.frameworks.source.repeatable import Harmless
from shapewidget.frameworks.source.replay import WRITTEN, Replay, place_of, statements_of
from shapewidget.frameworks.source.text import Source, Span

_MOST_STATEMENTS = 40
_Block = Sequence[ast.stmt]


def replay_of(
    frame: FrameType,
    instruction: int,
    harmless: Harmless,
    is_data: Callable[[object], bool],
    *,
    is_whole: bool = False,
) -> Replay | None:
    """The expression that was running in a frame, and the statements that led to it.

    Args:
        frame: A frame of the user's code; not kept.
        instruction: The index of the instruction that was running.
        harmless: What may be called again.
        is_data: Whether a value is what the statements are about: a tensor, a model.
        is_whole: Whether to take all that the statement works out, and not only the expression in it.

    Returns:
        None where the source cannot be seen, or where the expression does something that must not be done twice.
    """
    source = Source.read(frame.f_code.co_filename)
    span = span_of(frame.f_code, instruction)
    path = path_to(source.tree, span) if source is not None and span is not None else []
    statement = next((node for node in reversed(path) if isinstance(node, ast.stmt)), None)
    if source is None or statement is None or not isinstance(path[-1], ast.expr | ast.AugAssign):
        return None
    names: dict[str, object] = {**frame.f_globals, **frame.f_locals}
    place = place_of(statement, _whole(path) if is_whole else path[-1])
    replay = Replay(source, (), statement_place(source, statement), place, names)
    again = statement.value if place == WRITTEN and isinstance(statement, ast.Assign) else replay.nodes()[0]
    if not harmless.allows(again, names):
        return None
    led = _Led(names, harmless, is_data).to(replay.nodes()[0], as_taken(_before(path), names))
    places = tuple(statement_place(source, each) for each in led)
    replay = Replay(source, places, replay.last, place, names)
    read = {name for node in replay.nodes() for name in _reads(node)}
    kept = {name: names[name] for name in read if name in names and not hasattr(builtins, name)}
    return Replay(source, places, replay.last, place, kept)


def with_hole(replay: Replay, call: ast.Call) -> Replay:
    """The replay without a call, and without the statements that only made its arguments."""
    function, expression = ast.unparse(call.func), replay.nodes()[-1]
    needed, kept = _reads_outside(expression, function), list[int]()
    for place, statement in reversed(list(zip(replay.statements, replay.nodes(), strict=False))):
        if _stores(statement) & needed:
            kept.insert(0, place)
            needed = (needed - _stores(statement)) | _reads_outside(statement, function)
    names = {name: value for name, value in replay.names.items() if name in needed}
    return replace(replay, statements=tuple(kept), names=names, hole=function)


def up_to(replay: Replay, node: ast.expr) -> Replay:
    """The replay as far as an expression in it, which is what it then gives."""
    for length, holder in enumerate(replay.nodes()):
        if any(each is node for each in ast.walk(holder)):
            places = (*replay.statements, replay.last)
            statement = statements_of(replay.source)[places[length]]
            return replace(
                replay, statements=replay.statements[:length], last=places[length], expression=place_of(statement, node)
            )
    raise LookupError(f"{ast.unparse(node)} is no part of the replay")


def statement_place(source: Source, statement: ast.stmt) -> int:
    """The place of a statement in its source."""
    return next(place for place, each in enumerate(statements_of(source)) if each is statement)


def span_of(code: CodeType, instruction: int) -> Span | None:
    """The stretch of text that an instruction stands for; None where Python was told to keep none."""
    positions = next(islice(code.co_positions(), max(instruction, 0) // 2, None), None)
    if positions is None or None in positions:
        return None
    line, end_line, column, end_column = positions
    return Span(line or 0, column or 0, end_line or 0, end_column or 0)


def path_to(tree: ast.Module, span: Span) -> list[ast.AST]:
    """The nodes from the module down to the smallest one that covers a span."""
    path: list[ast.AST] = [tree]
    while True:
        covering = (
            child
            for child in ast.iter_child_nodes(path[-1])
            if isinstance(child, ast.expr | ast.stmt | ast.excepthandler | ast.match_case | ast.comprehension)
            and _covers(child, span)
        )
        inner = next(covering, None)
        if inner is None:
            return path
        path.append(inner)


def _whole(path: Sequence[ast.AST]) -> ast.AST:
    """What a statement, or the lambda in it, works out."""
    for node in reversed(path):
        if isinstance(node, ast.Lambda):
            return node.body
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.Return | ast.Expr) and node.value is not None:
            return node.value
        if isinstance(node, ast.stmt):
            break
    return path[-1]


def _covers(node: ast.AST, span: Span) -> bool:
    if not isinstance(node, ast.expr | ast.stmt):
        return any(_covers(child, span) for child in ast.iter_child_nodes(node))
    decorators = getattr(node, "decorator_list", ())
    if any(_covers(each, span) for each in decorators):
        return True
    own = Span.of(node)
    return own.start <= span.start and span.end <= own.end


def _before(path: Sequence[ast.AST]) -> list[ast.stmt]:
    """The statements that ran before the last of a path in its function, block by block."""
    inner = next((place for place in range(len(path) - 1, -1, -1) if isinstance(path[place], ast.stmt)), 0)
    found: list[ast.stmt] = []
    if any(isinstance(node, ast.Lambda) for node in path[inner:]):
        return found
    for place in range(inner, 0, -1):
        node, parent = path[place], path[place - 1]
        blocks = (getattr(parent, name, None) for name in ("body", "orelse", "finalbody"))
        block: _Block = next((each for each in blocks if isinstance(each, list) and node in each), [])
        found = [*block[: block.index(node)], *found] if isinstance(node, ast.stmt) and block else found
        if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef):
            break
    return found[-_MOST_STATEMENTS:]


def as_taken(statements: _Block, names: Mapping[str, object]) -> list[ast.stmt]:
    """The statements with every `if` on a plain value replaced by the branch that was taken."""
    stored = set[str]().union(*map(_stores, statements))
    found: list[ast.stmt] = []
    for statement in statements:
        asked = _reads(statement.test) if isinstance(statement, ast.If) else set()
        values = [names.get(name, _UNPLAIN) for name in asked]
        is_plain = all(isinstance(each, bool | int | float | str | None) for each in values)
        if not isinstance(statement, ast.If) or not is_plain or asked & stored or not _is_comparison(statement.test):
            found.append(statement)
            continue
        is_true = eval(compile(ast.Expression(statement.test), "", "eval"), {name: names[name] for name in asked})
        found += as_taken(statement.body if is_true else statement.orelse, names)
    return found


_UNPLAIN = object()


def _is_comparison(test: ast.expr) -> bool:
    """Whether a test only compares names with names and constants."""
    allowed = (ast.Name, ast.Constant, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Not, ast.boolop, ast.cmpop, ast.Load)
    return all(isinstance(each, allowed) for each in ast.walk(test))


class _Led:
    """Looks for the statements that led to an expression."""

    def __init__(self, names: dict[str, object], harmless: Harmless, is_data: Callable[[object], bool]) -> None:
        self._names = names
        self._harmless = harmless
        self._is_data = is_data

    def to(self, expression: ast.AST, statements: _Block) -> list[ast.stmt]:
        """As many of the statements as can be run again, in order."""
        for first in range(len(statements)):
            found = self._within(expression, statements[first:])
            if found is not None:
                return found
        return []

    def _within(self, expression: ast.AST, window: _Block) -> list[ast.stmt] | None:
        """Those of a window that matter; None where one reads what has another value now."""
        needed, chosen = _reads(expression), list[ast.stmt]()
        later: set[str] = set()
        for statement in reversed(window):
            stored = _stores(statement)
            if stored & needed:
                if self._is_taken(statement):
                    chosen.insert(0, statement)
                    needed = (needed - stored) | _reads(statement)
                elif stored & needed & later:
                    return None
                else:
                    needed -= stored
            later |= stored
        return None if needed & later & self._names.keys() else chosen

    def _is_taken(self, statement: ast.stmt) -> bool:
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            return False
        target = statement.targets[0]
        items = target.elts if isinstance(target, ast.Tuple) else [target]
        is_about_data = any(self._is_data(self._names.get(name)) for name in _reads(statement.value))
        is_plain = all(isinstance(item, ast.Name) for item in items)
        return is_plain and is_about_data and self._harmless.allows(statement.value, self._names)


def _reads(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}


def _reads_outside(node: ast.AST, function: str) -> set[str]:
    """The names that a node reads, but for those that stand in the calls of one function."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == function:
        return set()
    inner = [_reads_outside(child, function) for child in ast.iter_child_nodes(node)]
    own = {node.id} if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) else set()
    return own.union(*inner)


def _stores(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
