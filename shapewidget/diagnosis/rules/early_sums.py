"""Losses that add up their samples before something is done that has to be done to each of them."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Role, is_all
from shapewidget.diagnosis.axis_remedies import reduced_axes, reduced_for_each_sample
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.diagnosis.written_loss import ends_in_one_number
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import Together

_CUTS = frozenset(("maximum", "relu", "softplus", "hinge", "clip", "clip_by_value"))
"""Operations that treat what is below a margin otherwise than what is above."""
_BOUNDS = frozenset(("clamp", "clamp_min"))
"""What cuts too, and bounds whole losses as well."""
_DIVISIONS = frozenset(("div", "truediv", "divide", "div_no_nan"))
_PLAIN = frozenset(("add", "sub", "mul", "neg", "negative"))
_REDUCING = frozenset(("sum", "mean"))


def added_up_before_margin(evidence: Evidence) -> Iterator[Diagnosis]:
    """A margin that is applied once to the whole batch, as the distances were added up over the samples too."""
    for layer in evidence.graph.layers:
        if layer.name not in (*_CUTS, *_BOUNDS) or not layer.outputs or not _is_in_loss(layer):
            continue
        if _is_divisor(evidence, layer):
            continue
        reduced, is_one = list(_reduced(evidence, layer)), layer.outputs[0].shape == ()
        sums = [each for each in reduced if is_one and layer.name in _CUTS and _is_of_samples(each)]
        columns = [each for each in reduced if _is_along_samples(evidence, each)]
        if sums or len(columns) > 1:  # one alone is the spread of each feature over the batch, which may be wanted
            yield _diagnosis(layer, sums or columns)


def added_up_before_targets(evidence: Evidence) -> Iterator[Diagnosis]:
    """One number of the whole batch against a target of every sample: the values were added up over the samples too."""
    for layer in evidence.graph.layers:
        if layer.name != "sub" or len(layer.inputs) != 2 or not ends_in_one_number(evidence.graph, layer.id):
            continue
        for place in (0, 1):
            total, target = evidence.producer(layer.id, place), layer.inputs[1 - place]
            is_sum = total is not None and total.name == "sum" and _is_of_samples(total)
            if total is None or not is_sum or target.shape != total.inputs[0].shape[:1]:
                continue
            own = {edge.source for edge in evidence.edges_into[total.id]}
            given = evidence.edge_into(layer.id, 1 - place)
            is_another = given is not None and not own & evidence.before(given.source)
            if is_another:
                yield _against_targets(layer, total, target.shape)


def _against_targets(layer: Layer, total: Layer, targets: tuple[int, ...]) -> Diagnosis:
    given = total.inputs[0]
    edit = reduced_for_each_sample(total)
    return Diagnosis(
        finding_at(
            "SW653",
            total,
            f"{place_text(total)} adds up all of {shape_text(given)}, its {given.shape[0]} samples too, and gives (); "
            f"`{layer.name}` then sets this one number against {targets}, one target for each sample. Expected one "
            f"value a sample, {given.shape[:1]}.",
            fix=edit.replacement if edit is not None else "add up the features only: axis=-1",
            axis=0,
            axis_name="batch",
            expected=given.shape[:1],
            got=(),
        ),
        (edit,) if edit is not None else (),
    )


def _is_in_loss(layer: Layer) -> bool:
    return layer.kind is LayerKind.OPERATION and layer.path.split(".")[0] == "loss"


def _is_divisor(evidence: Evidence, layer: Layer) -> bool:
    """Whether something is divided by it, and nothing else reads it: a count that is kept from being zero."""
    read = [(evidence.layer(edge.target), edge.input) for edge in evidence.graph.out_of(layer.id)]
    return bool(read) and all(node is not None and node.name in _DIVISIONS and place == 1 for node, place in read)


def _reduced(evidence: Evidence, layer: Layer) -> Iterator[Layer]:
    """The reductions that a number comes from, past plain arithmetic."""
    for edge in evidence.graph.into(layer.id):
        node = evidence.layer(edge.source)
        if node is not None and node.name in _REDUCING:
            yield node
        elif node is not None and node.name in _PLAIN:
            yield from _reduced(evidence, node)


def _is_of_samples(layer: Layer) -> bool:
    """Whether rows of numbers, one row a sample, become one number."""
    return len(layer.inputs[0].shape) > 1 and layer.inputs[0].shape[0] > 1 and layer.outputs[0].shape == ()


def _is_along_samples(evidence: Evidence, layer: Layer) -> bool:
    """Whether the samples of each feature are added up, where the features of each sample make a distance."""
    axes = evidence.axes_into(layer)
    is_of_vectors = len(axes) == 2 and is_all(axes[0], Role.BATCH) and is_all(axes[1], Role.FEATURES)
    return is_of_vectors and reduced_axes(layer) == (0,)


def _diagnosis(layer: Layer, sums: list[Layer]) -> Diagnosis:
    given, made = sums[0].inputs[0], sums[0].outputs[0].shape
    what, over = ("all", "its") if made == () else ("the columns", "the")
    margin = "once to the whole batch" if made == () else "to each column"
    edits = [edit for each in sums if (edit := reduced_for_each_sample(each)) is not None]
    same_line = len({(edit.source.line, edit.source.expression) for edit in edits}) < len(edits)
    remedies = () if len(edits) < len(sums) or same_line else (edits[0] if len(edits) == 1 else Together(tuple(edits)),)
    return Diagnosis(
        finding_at(
            "SW624",
            sums[0],
            f"{place_text(sums[0])} adds up {what} of {shape_text(given)}, {over} {given.shape[0]} samples too, and "
            f"gives {made}; `{layer.name}` then applies the margin {margin}, so that samples far below it make up for "
            f"those above. Expected one value a sample, {given.shape[:1]}.",
            fix="reduce the features only: axis=-1",
            axis=0,
            axis_name="batch",
            expected=given.shape[:1],
            got=made,
        ),
        remedies,
    )
