"""Changes of the state that a recurrent layer is started from."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.chains import maker
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.operand_texts import Operands, arguments_of, operands_of
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression, Remedy


def state_remedies(evidence: Evidence, layer: Layer, place: int) -> tuple[Remedy, ...]:
    """Make the state as the input asks for, where it is made; or start from the zeros that the layer makes itself.

    What another recurrent layer ends in is never left away: the one would then know nothing of the other. Nor is what
    the layer itself ended in before: it would forget all steps but the newest.
    """
    wanted, made = wanted_state(layer), maker(evidence, layer, place)
    found: list[Remedy] = []
    if wanted is not None:
        found += _where_it_is_made(layer, made[0], wanted) if made is not None else ()
    operands = operands_of(layer)
    if wanted is not None and operands is not None and len(operands) == 2:
        found += _other_rows(evidence, layer, place, wanted, operands)
    is_handed_on = made is not None and made[0].size("hidden_size") is not None
    is_handed_on = is_handed_on or _goes_on_from_itself(evidence, layer, place)
    if not is_handed_on and operands is not None and len(operands) == 2 and operands.source.expression:
        function = operands.source.expression.split("(", 1)[0]
        found.append(EditExpression(operands.source, f"{function}({operands.text(0)})"))
    return tuple(found)


def _goes_on_from_itself(evidence: Evidence, layer: Layer, place: int) -> bool:
    """Whether the same line calls the layer once more, with the state that it gave there before."""
    again = (it for it in evidence.graph.layers if it.source == layer.source and it.path == layer.path)
    states = (made for it in again if len(it.inputs) > place and (made := maker(evidence, it, place)) is not None)
    return any(made.path == layer.path and made.type == layer.type for made, _ in states)


def wanted_state(layer: Layer) -> tuple[int, ...] | None:
    """The shape of the state that the input of a recurrent layer asks for."""
    hidden, given = layer.size("hidden_size"), layer.inputs[0].shape
    depth = layer.size("num_layers")
    if hidden is None:
        return None
    if depth is None:
        return (*given[:-1], hidden)
    rows = depth * (2 if layer.settings.get("bidirectional") else 1)
    proj = layer.settings.get("proj_size")
    width = proj if isinstance(proj, int) and proj else hidden
    return (rows, given[0 if layer.settings.get("batch_first") else 1], width) if len(given) == 3 else (rows, width)


def _where_it_is_made(layer: Layer, made: Layer, wanted: tuple[int, ...]) -> Iterator[Remedy]:
    """The sizes in `torch.zeros(...)` put right: the batch read off the other axis, the rest as the layer has it."""
    shape, source = made.outputs[0].shape, made.source
    arguments = arguments_of(made)[: len(wanted)]
    if source is None or source.expression is None or not len(shape) == len(arguments) == len(wanted):
        return
    wrong = [axis for axis in range(len(wanted)) if shape[axis] != wanted[axis]]
    batch = len(wanted) - 2
    for text in _batch_texts(layer, arguments[batch]) if batch in wrong else ("",):
        whole = source.expression
        for axis in sorted(wrong, reverse=True):
            new = text if axis == batch else str(wanted[axis])
            whole = _replaced(whole, arguments[axis], new)
        yield EditExpression(source, whole)


def _other_rows(
    evidence: Evidence, layer: Layer, place: int, wanted: tuple[int, ...], operands: Operands
) -> Iterator[Remedy]:
    """Both directions of an encoder added up, or the first of them, or its one layer repeated for each of the decoder.

    A decoder that calls itself step by step is given its own state from the second step on, which has no directions to
    add up; its first rows are all of it.
    """
    given, made = layer.inputs[place].shape, maker(evidence, layer, place)
    if len(given) != 3 or given[1:] != wanted[1:] or made is None:
        return
    if made[0].settings.get("bidirectional") and given[0] == 2 * wanted[0]:
        ways = ["{0}[0::2] + {0}[1::2]", f"{{0}}[:{wanted[0]}]"]
    elif wanted[0] > given[0] and wanted[0] % given[0] == 0:
        ways = [f"{{0}}.repeat({wanted[0] // given[0]}, 1, 1)"]
    else:
        return
    state, is_pair = operands.text(1), layer.type == "LSTM"
    for way in ways:
        yield operands.edit({1: f"tuple({way.format('each')} for each in {state})" if is_pair else way.format(state)})


def _batch_texts(layer: Layer, node: ast.expr) -> Iterator[str]:
    """The batch size as text: the size of the other axis of what it is read off, or of the layer's input."""
    axis = 0 if layer.settings.get("batch_first") or layer.size("num_layers") is None else 1
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr="size"), args=[_]):
            yield f"{ast.unparse(owner)}.size({axis})"
        case ast.Subscript(value=owner):
            yield f"{ast.unparse(owner)}[{axis}]"
        case ast.Call(func=ast.Name(id="len"), args=[owner]):
            yield f"{ast.unparse(owner)}.size({axis})"
    operands = operands_of(layer)
    if operands is not None:
        yield f"{operands.text(0)}.size({axis})"
        yield from _before_a_cut(operands.text(0), axis)


def _before_a_cut(text: str, axis: int) -> Iterator[str]:
    """The size of an axis of what is cut along others: `x.size(0)` for axis 0 of `x[:, t]`, whose `t` comes later."""
    cut = ast.parse(text, mode="eval").body
    if not isinstance(cut, ast.Subscript):
        return
    items = cut.slice.elts if isinstance(cut.slice, ast.Tuple) else [cut.slice]
    kept = [place for place, item in enumerate(items) if isinstance(item, ast.Slice)]
    kept += range(len(items), len(items) + axis + 1)
    whole = kept[axis] >= len(items) or ast.unparse(items[kept[axis]]) == ":"
    if whole and not any(isinstance(item, ast.Constant) and item.value in (None, ...) for item in items):
        yield f"{ast.unparse(cut.value)}.size({kept[axis]})"


def _replaced(whole: str, node: ast.expr, text: str) -> str:
    """One argument of a call put in the place of another; columns count from a bracket in front of the call."""
    begin, end = node.col_offset - 1, (node.end_col_offset or 0) - 1
    code = whole.encode()
    return (code[:begin] + text.encode() + code[end:]).decode()


def form_remedies(layer: Layer) -> Iterator[Remedy]:
    """A pair made of the one tensor that was given, or the first of the pair that was."""
    operands = operands_of(layer)
    if operands is None or len(operands) < 2:
        return
    state = operands.text(1)
    if layer.type.startswith("LSTM"):
        yield operands.edit({1: f"({state}, torch.zeros_like({state}))"})
    else:
        yield operands.edit({1: f"{state}[0]"})
