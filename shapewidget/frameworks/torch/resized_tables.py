"""Build a table of a model's own, as of positions, with another number of rows, where the user's source says it."""

from __future__ import annotations

import ast
import contextlib
import itertools
from collections.abc import Iterator

import torch
from torch import nn

from shapewidget.frameworks.adapter import Attempt, Constructor
from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.initialiser import Initialiser
from shapewidget.frameworks.source.text import Span
from shapewidget.frameworks.torch.argument import with_argument
from shapewidget.frameworks.torch.constructor import find_constructor
from shapewidget.frameworks.torch.places import by_edited_class, constructors_of
from shapewidget.graph.remedies import ResizeTable, SetArgument, SourceEdit


def with_table(model: nn.Module, constructor: Constructor | None, remedy: ResizeTable) -> Attempt | None:
    """A copy whose table is built for another size: by an argument that says it, or else by a number in the class."""
    owners = [(path, module) for path, module in model.named_modules() if _tables(module, remedy.size)]
    owners.sort(key=lambda each: each[0] != remedy.scope)
    ways = (way for path, owner in owners for way in _ways(model, constructor, path, owner, remedy))
    return next(itertools.islice(ways, remedy.way, None), None)


def _ways(
    model: nn.Module, constructor: Constructor | None, path: str, owner: nn.Module, remedy: ResizeTable
) -> Iterator[Attempt]:
    known = constructor if not path and constructor is not None else None
    with contextlib.suppress(Exception):
        known = known or find_constructor(owner)
    for name, value in known.arguments.items() if known is not None else ():
        if type(value) is int and value == remedy.size:
            made = with_argument(model, constructor, SetArgument(path, name, remedy.wanted))
            if made is not None and _is_resized(made.model, path, owner, remedy):
                yield made
    initialiser = Initialiser.of(type(owner))
    if initialiser is not None and is_own(initialiser.source.filename):
        for edit in dict.fromkeys(_edits(initialiser, remedy)):
            with contextlib.suppress(Exception):
                whole = by_edited_class(model, constructors_of(model, type(owner)), initialiser, edit)
                if _is_resized(whole, path, owner, remedy):
                    text = " ".join(line.strip() for line in edit.after)
                    yield Attempt(whole, text, edit.diff(), initialiser.source.line(edit.first_line))


def _tables(module: nn.Module, size: int) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors of a module itself that have an axis of this size."""
    kept = {**module.__dict__, **module._parameters, **module._buffers}
    shapes = {name: tuple(value.shape) for name, value in kept.items() if isinstance(value, torch.Tensor)}
    return {name: shape for name, shape in shapes.items() if size in shape}


def _is_resized(made: nn.Module, path: str, owner: nn.Module, remedy: ResizeTable) -> bool:
    """Whether a table has the size that is wanted where it had the other, and as many axes as before."""
    after = _tables(made.get_submodule(path), remedy.wanted)
    before = _tables(owner, remedy.size)
    return any(len(after.get(name, ())) == len(shape) and after[name] != shape for name, shape in before.items())


def _edits(initialiser: Initialiser, remedy: ResizeTable) -> Iterator[SourceEdit]:
    """The numbers of that size in a constructor written anew: each alone, then all of one statement."""
    for statement in (node for each in initialiser.node.body for node in ast.walk(each)):
        if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr):
            continue
        spans = [(Span.of(node), text) for node, text in _numbers(initialiser, statement, remedy)]
        for chosen in ([each] for each in spans):
            yield _replaced(initialiser, statement, chosen)
        if len(spans) > 1:
            yield _replaced(initialiser, statement, spans)


def _replaced(initialiser: Initialiser, statement: ast.stmt, spans: list[tuple[Span, str]]) -> SourceEdit:
    source, whole = initialiser.source, Span.of(statement)
    edited = source
    for span, text in sorted(spans, key=lambda each: each[0].start, reverse=True):
        edited = edited.edited(edited.replacing(span, text))
    lines = slice(whole.line - 1, whole.end_line)
    before, after = source.lines[lines], edited.lines[lines]
    return SourceEdit(source.replacing(whole, "").label, whole.line, before, after)


def _numbers(initialiser: Initialiser, statement: ast.AST, remedy: ResizeTable) -> Iterator[tuple[ast.expr, str]]:
    """What comes to the size in a statement, with what to write instead: ``64``, ``LONGEST``, ``8 * 8 + 1``."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop(0)
        value = node.value if isinstance(node, ast.Constant) else _sum(node)
        if isinstance(node, ast.Name):
            value = initialiser.meaning(node)
        if type(value) is int and value == remedy.size and isinstance(node, ast.expr):
            yield node, str(remedy.wanted)
        else:
            waiting += ast.iter_child_nodes(node)


def _sum(node: ast.AST) -> object:
    """What plain numbers come to; None of anything else."""
    is_plain = isinstance(node, ast.BinOp) and all(
        isinstance(each, ast.BinOp | ast.Constant | ast.operator) for each in ast.walk(node)
    )
    with contextlib.suppress(Exception):
        return ast.literal_eval(node) if not is_plain else eval(ast.unparse(node), {"__builtins__": {}})
    return None
