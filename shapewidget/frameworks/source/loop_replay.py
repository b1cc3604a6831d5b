"""A training loop of the user's, to be run again on copies of what it reads."""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import itertools
import linecache
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.text import Source
from shapewidget.graph.remedies import SourceEdit

_NUMBERS = itertools.count(1)
_Loop = ast.For | ast.While


@dataclass(frozen=True)
class LoopReplay:
    """The outermost loop that a function or cell was in, and the plain values that were set before it.

    Attributes:
        source: The text that it stands in.
        first: The line that it begins on.
        names: Values of the names that it reads, as they were in its first turns.
    """

    source: Source
    first: int
    names: Mapping[str, object]

    @property
    def loop(self) -> _Loop:
        """The loop itself."""
        return next(node for node in _loops(self.source.tree) if node.lineno == self.first)

    def edited(self, edits: Sequence[SourceEdit]) -> Source:
        """The source with some lines edited."""
        source = self.source
        for edit in sorted(edits, key=lambda edit: -edit.first_line):
            source = source.edited(edit)
        return source

    @contextlib.contextmanager
    def ready(self, edits: Sequence[SourceEdit]) -> Iterator[Callable[[Mapping[str, object]], None]]:
        """What runs the loop with some lines edited, given the values of its names; what it prints is not shown.

        It is compiled under a name of its own, and in the block its lines can be looked up.

        Args:
            edits: Of lines of the source, none of them that on which the loop begins.
        """
        source = self.edited(edits)
        shift = sum(len(edit.after) - len(edit.before) for edit in edits if edit.first_line < self.first)
        loop = next(node for node in _loops(source.tree) if node.lineno == self.first + shift)
        filename = f"<a loop run again {next(_NUMBERS)}>"
        code = compile(ast.Module([*_set_before(source.tree, loop), loop], []), filename, "exec")

        def run(names: Mapping[str, object]) -> None:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                exec(code, dict(names))

        text = "".join(source.lines)
        linecache.cache[filename] = (len(text), None, list(source.lines), filename)
        try:
            yield run
        finally:
            linecache.cache.pop(filename, None)

    def nodes(self) -> Iterator[ast.AST]:
        """Every node of the loop and of what is set before it."""
        for statement in (*_set_before(self.source.tree, self.loop), self.loop):
            yield from ast.walk(statement)


def loop_around(frame: FrameType | None) -> LoopReplay | None:
    """The loop that the innermost function with one around its current line was in; no frame is kept."""
    while frame is not None:
        if is_own(frame.f_code.co_filename):
            found = _loop_in(frame)
            if found is not None:
                return found
        frame = frame.f_back
    return None


def _loop_in(frame: FrameType) -> LoopReplay | None:
    source = Source.read(frame.f_code.co_filename)
    if source is None:
        return None
    holder = function_at(source.tree, frame.f_lineno)
    around = [loop for loop in _loops(holder, whole=False) if loop.lineno < frame.f_lineno <= (loop.end_lineno or 0)]
    if not around:
        return None
    loop = min(around, key=lambda loop: loop.lineno)
    scope = {**frame.f_globals, **frame.f_locals}
    found = LoopReplay(source, loop.lineno, {})
    read = {node.id for node in found.nodes() if isinstance(node, ast.Name)}
    kept = {name: scope[name] for name in read if name in scope and not hasattr(builtins, name)}
    return LoopReplay(source, loop.lineno, kept)


def _loops(tree: ast.AST, *, whole: bool = True) -> Iterator[_Loop]:
    """The loops in a tree; those of functions that are defined in it only where the whole is asked for."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, _Loop):
            yield child
        if whole or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _loops(child, whole=whole)


def function_at(tree: ast.Module, line: int) -> ast.AST:
    """The innermost function that holds a line; the whole source where none does."""
    holding = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return max(holding, key=lambda node: node.lineno, default=tree)


def _set_before(tree: ast.Module, loop: _Loop) -> list[ast.stmt]:
    """The statements in front of the loop that give plain values to names which it changes."""
    stored = {node.id for node in ast.walk(loop) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    stored |= {node.func.value.id for node in ast.walk(loop) if isinstance(node, ast.Call) and _is_of_name(node)}  # type: ignore[attr-defined]
    block = next(block for node in ast.walk(tree) if loop in (block := getattr(node, "body", None) or []))
    return [
        statement
        for statement in block[: block.index(loop)]
        if isinstance(statement, ast.Assign) and _is_plain(statement.value) and _names_set(statement) & stored
    ]


def _is_of_name(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)


def _is_plain(value: ast.expr) -> bool:
    kinds = (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.UnaryOp, ast.USub, ast.Load)
    return all(isinstance(node, kinds) for node in ast.walk(value))


def _names_set(statement: ast.Assign) -> set[str]:
    return {node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)}
