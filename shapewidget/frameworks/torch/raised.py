"""What the program's own line raised about a tensor.

It takes a tensor or its shape apart into another number of parts, or uses a tuple as if it were a tensor.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import torch

from shapewidget.frameworks.source.frames import Capture, is_own, resolve
from shapewidget.frameworks.source.repeatable import value_of_name
from shapewidget.frameworks.source.text import Source
from shapewidget.frameworks.torch.capacity import is_out_of_memory, out_of_memory
from shapewidget.frameworks.torch.divisions import Unbuilt, refused_by_constructor
from shapewidget.frameworks.torch.reshaping import text_of
from shapewidget.graph.records import Clash, ClashKind


@dataclass(frozen=True)
class Raised:
    """A line of the program that raised.

    Attributes:
        clash: What about, of the node that reads `tensors`.
        name: What the node is called.
        tensors: What the line reads.
        line: The line.
        settings: What a rule has to know besides.
    """

    clash: Clash
    name: str
    tensors: tuple[torch.Tensor, ...]
    line: Capture
    settings: Mapping[str, object] = field(default_factory=dict)


def raised_by_program(error: BaseException) -> Raised | None:
    """What the innermost line of the user's raised about a tensor; None if it is not about one."""
    found, own, trace = None, None, error.__traceback__
    while trace is not None:
        own = trace if is_own(trace.tb_frame.f_code.co_filename) else own
        found, trace = trace, trace.tb_next
    if is_out_of_memory(error):
        return _without_memory(own, error)
    unbuilt = refused_by_constructor(error.__traceback__)
    if unbuilt is not None and own is not None:
        return _unbuilt(own, unbuilt, text_of(error))
    if found is None or not is_own(found.tb_frame.f_code.co_filename):
        return None
    text = text_of(error)
    if isinstance(error, ValueError):
        return _unpacked(found, text)
    return _used_as_tensor(found, text) if isinstance(error, TypeError | AttributeError) else None


def _without_memory(place: TracebackType | None, error: BaseException) -> Raised | None:
    """A line that asks for too much and is no call that is recorded: one that builds a layer, or NumPy's."""
    if place is None:
        return None
    code = place.tb_frame.f_code
    name = "the line" if code.co_name.startswith("<") else code.co_name
    return Raised(out_of_memory(error), name, (), (code, place.tb_lasti))


def _unbuilt(place: TracebackType, refused: Unbuilt, text: str) -> Raised:
    """``nn.GroupNorm(8, 20)``: a layer whose sizes do not divide one another."""
    module, size, by, values = refused
    clash = Clash("", ClashKind.DIVISOR, 0, None, values[by], values[size], error=text)
    settings = {"divided": size, "by": by, "built": True, **{name: values[name] for name in (size, by)}}
    return Raised(clash, type(module).__name__, (), (place.tb_frame.f_code, place.tb_lasti), settings)


def _unpacked(place: TracebackType, text: str) -> Raised | None:
    """``b, c, h, w = x.shape`` of a tensor with another number of axes; ``one, two = x`` of one with more rows."""
    frame = place.tb_frame
    source = Source.read(frame.f_code.co_filename)
    nodes = ast.walk(source.tree) if source is not None else ()
    names = {**frame.f_globals, **frame.f_locals}
    for node in nodes:
        if not isinstance(node, ast.Assign) or not node.lineno <= place.tb_lineno <= (node.end_lineno or 0):
            continue
        target = node.targets[0]
        tensor = _whose_shape(node.value, names)
        if isinstance(target, ast.Tuple) and tensor is not None and len(target.elts) != tensor.dim():
            clash = Clash("", ClashKind.RANK, 0, None, len(target.elts), tensor.dim(), error=text)
            return Raised(clash, "shape", (tensor,), (frame.f_code, place.tb_lasti))
        whole = value_of_name(node.value, names)
        if not isinstance(target, ast.Tuple) or any(isinstance(each, ast.Starred) for each in target.elts):
            continue
        if isinstance(whole, torch.Tensor) and whole.dim() and whole.size(0) != len(target.elts):
            clash = Clash("", ClashKind.SIZE, 0, 0, len(target.elts), whole.size(0), error=text)
            taken = {"taken": ast.unparse(node.value)}
            return Raised(clash, "unpack", (whole,), (frame.f_code, place.tb_lasti), taken)
    return None


def _whose_shape(node: ast.expr, names: dict[str, Any]) -> torch.Tensor | None:
    match node:
        case ast.Attribute(value=owner, attr="shape"):
            pass
        case ast.Call(func=ast.Attribute(value=owner, attr="size"), args=[]):
            pass
        case _:
            return None
    value = value_of_name(owner, names)
    return value if isinstance(value, torch.Tensor) else None


def _used_as_tensor(place: TracebackType, text: str) -> Raised | None:
    """``out[:, -1]`` or ``out.view(...)`` where `out` is the tuple that an LSTM gives."""
    frame = place.tb_frame
    line = (frame.f_code, place.tb_lasti)
    expression = resolve(line).expression
    try:
        node: ast.expr = ast.parse(f"({expression}\n)", mode="eval").body
    except SyntaxError:
        return None
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    value = value_of_name(node, {**frame.f_globals, **frame.f_locals})
    if not isinstance(value, tuple) or not value or not isinstance(value[0], torch.Tensor):
        return None
    clash = Clash("", ClashKind.FORM, 0, None, "a tensor", f"a tuple of {len(value)}", error=text)
    name = ast.unparse(node)
    return Raised(clash, name, (value[0],), line)
