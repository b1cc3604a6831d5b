"""Points between two batches at which a gradient is taken: how far between is one number of each sample."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.rules.gradient_norms import penalised_gradients
from shapewidget.diagnosis.wording import place_text
from shapewidget.graph.records import Layer, LayerKind

_FULL = 2
"""A weight of so many axes may be one of each value; of fewer it is one of each sample."""


def drawn_value_by_value(evidence: Evidence) -> Iterator[Diagnosis]:
    """A gradient penalty at points that lie elsewhere between two samples in each of their values."""
    shapes = {gradient.outputs[0].shape for gradient, _ in penalised_gradients(evidence)}
    for point in evidence.graph.layers if shapes else ():
        if point.name == "add" and point.outputs and point.outputs[0].shape in shapes:
            shape = point.outputs[0].shape
            weighed = next((each for each in _weighed(evidence, point) if _is_of_each_value(each, shape)), None)
            if weighed is not None:
                yield _said(weighed, shape)
                return


def _weighed(evidence: Evidence, point: Layer) -> Iterator[Layer]:
    """The products of a number that the program drew, or of one less it, in a sum of two samples."""
    for place in (0, 1):
        product = evidence.producer(point.id, place)
        if product is None or product.name != "mul" or len(product.inputs) != 2:
            continue
        made = [evidence.producer(product.id, each) for each in (0, 1)]
        for one, other in (made, reversed(made)):
            is_way = other is not None and other.name == "sub" and _tensors(other) > 1 and _is_drawn(one)
            is_rest = one is not None and one.name in ("sub", "rsub") and _tensors(one) == 1
            if is_way or (is_rest and one is not None and _is_drawn(evidence.producer(one.id, len(one.inputs) - 1))):
                yield product


def _is_drawn(made: Layer | None) -> bool:
    return made is None or made.kind is LayerKind.INPUT or "rand" in made.name or "uniform" in made.name


def _tensors(layer: Layer) -> int:
    return sum(spec.shape != () for spec in layer.inputs)


def _is_of_each_value(product: Layer, shape: tuple[int, ...]) -> bool:
    return len(shape) >= _FULL and all(spec.shape == shape for spec in product.inputs) and max(shape[1:]) > 1


def _said(product: Layer, shape: tuple[int, ...]) -> Diagnosis:
    one = (shape[0], *(1 for _ in shape[1:]))
    said = finding_at(
        "SW675",
        product,
        f"{place_text(product)} weighs the way from one sample to the other by {shape}, a number of each value. The "
        f"points at which a gradient penalty is taken lie on the lines between two samples: that takes one number a "
        f"sample, {one}.",
        fix=f"draw one number for each sample, of shape {one}",
        axis=1,
        axis_name="values of a sample",
        expected=one,
        got=shape,
    )
    return Diagnosis(said)
