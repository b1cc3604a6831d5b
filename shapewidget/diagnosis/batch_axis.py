"""Whether the axis that is taken for the batch is one: a model may be time-major, and nobody said so."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.chains import axis_picked
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.graph.dims import symbol
from shapewidget.graph.records import Layer, LayerKind, TensorSpec

BATCH, TIME = symbol("B"), symbol("T")


def has_batch(spec: TensorSpec) -> bool:
    """Whether an axis of the tensor holds the batch."""
    return any("B" in dim.names for dim in spec.dims or ())


def has_time(spec: TensorSpec) -> bool:
    """Whether an axis of the tensor holds the sequence."""
    return any(is_time(name) for dim in spec.dims or () for name in dim.names)


def is_time(name: str) -> bool:
    """Whether a named size is the length of a sequence: "T", or "T2" where a program has sequences of two lengths."""
    return name.rstrip("0123456789") == "T"


def sequence_layers(evidence: Evidence) -> list[Layer]:
    """The recurrent and attention layers, which are built for a batch on one axis or the other."""
    layers = evidence.graph.layers
    return [each for each in layers if each.kind is LayerKind.LAYER and "batch_first" in each.settings and each.inputs]


def is_swapped(layer: Layer) -> bool:
    """Whether the batch stands where a recurrent or attention layer takes time."""
    dims = layer.inputs[0].dims
    if dims is None or len(dims) != 3:
        return False
    batch, time = (0, 1) if layer.settings["batch_first"] else (1, 0)
    return dims[time] == BATCH and dims[batch] != BATCH and BATCH not in dims[2:]


def is_in_doubt(evidence: Evidence) -> bool:
    """Whether the axis may be time instead: all layers with a batch axis read it so, or the program steps along it."""
    if is_certain(evidence):
        return False
    first = next((layer for layer in evidence.graph.layers if layer.kind is LayerKind.INPUT), None)
    is_one_sequence = first is not None and bool(first.outputs) and len(first.outputs[0].shape) == 1
    layers = sequence_layers(evidence)
    reads_as_time = any(is_swapped(layer) or _reads_one_sequence(layer) for layer in layers)
    return is_one_sequence or reads_as_time or _steps_along_batch(evidence)


def _reads_one_sequence(layer: Layer) -> bool:
    """Whether the layer is given one sequence without a batch, or a batch of one whose steps are called B."""
    dims = layer.inputs[0].dims or ()
    if len(dims) == 2:
        return dims[0] == BATCH
    time = 1 if layer.settings["batch_first"] else 0
    return len(dims) == 3 and dims[time] == BATCH


def _steps_along_batch(evidence: Evidence) -> bool:
    """Whether the program runs more operations for a larger batch, as a loop over time does."""
    counts = {(len(run.graph.layers), run.sizes.get("B")) for run in evidence.others if not run.clashes}
    times = {run.sizes.get("T") for run in evidence.others}
    is_unrolled = any(
        layer.name in ("unbind", "split", "chunk") and _takes_apart(layer) for layer in evidence.graph.layers
    )
    return is_unrolled or (len(counts) > 1 and len(times) == 1 and len({count for count, _ in counts}) > 1)


def _takes_apart(layer: Layer) -> bool:
    """Whether an operation takes the batch apart along its own axis."""
    return (
        bool(layer.inputs)
        and layer.inputs[0].dims is not None
        and has_batch(layer.inputs[0])
        and not any(map(has_batch, layer.outputs))
    )


def is_certain(evidence: Evidence) -> bool:
    """Whether something besides the order of the axes says which axis is the batch."""
    return evidence.axes_given or any(_signs(evidence))


def _signs(evidence: Evidence) -> Iterator[bool]:
    """Layers that can read the axis as the batch only, labels that have no time, results that have lost the time."""
    steps: set[int] = set()
    for layer in evidence.graph.layers:
        dims = layer.inputs[0].dims if layer.inputs else None
        if not dims:
            continue
        if layer.kind is LayerKind.OPERATION:
            yield layer.name in ("matmul", "bmm") and any(map(_is_of_times, (*layer.inputs, *layer.outputs)))
            picked = axis_picked(layer)
            steps |= {picked[1]} if picked is not None and picked[0] == 1 and dims[:2] == (BATCH, TIME) else set()
            continue
        is_convolution = any(layer.size(name) is not None for name in ("in_channels", "filters"))
        is_of_keras = layer.settings.keys() & {
            "return_sequences",
            "data_format",
        }  # which has the batch first everywhere
        yield (is_convolution or bool(is_of_keras)) and len(dims) >= 3 and dims[0] == BATCH
        yield (
            "batch_first" in layer.settings
            and len(dims) == 3
            and dims[0 if layer.settings["batch_first"] else 1] == BATCH
        )
    yield len(steps) > 2  # it steps along the axis behind
    inputs = [layer for layer in evidence.graph.layers if layer.kind is LayerKind.INPUT]
    labels = [spec for layer in inputs if layer.id.startswith("targets") for spec in layer.outputs]
    yield any(has_batch(spec) and not has_time(spec) for spec in labels)
    is_tagging = bool(inputs) and not inputs[0].outputs[0].dtype.startswith(("float", "bfloat"))
    yield is_tagging and any(spec.dims is not None and spec.dims[:1] == (BATCH,) for spec in labels)
    results = [spec for layer in evidence.graph.layers if layer.kind is LayerKind.OUTPUT for spec in layer.inputs]
    had_time = any(has_time(spec) for layer in inputs for spec in layer.outputs)
    yield had_time and any(has_batch(spec) for spec in results) and not any(map(has_time, results))


def _is_of_times(spec: TensorSpec) -> bool:
    """Whether the tensor holds a number for every pair of steps, of every sample."""
    dims = spec.dims or ()
    return len(dims) >= 3 and dims[0] == BATCH and all("T" in dim.names for dim in dims[-2:])
