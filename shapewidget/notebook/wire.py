"""A report in the words of the contract: plain dicts, lists, strings and whole numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from shapewidget.diagnosis.findings import Finding
from shapewidget.diagnosis.repeated import by_mistake
from shapewidget.graph.data_sizes import sized_by_data
from shapewidget.graph.records import Agreement, Edge, Layer, LayerGraph, TensorSpec
from shapewidget.notebook.contract import (
    CONTRACT_VERSION,
    WireDeclared,
    WireEdge,
    WireFinding,
    WireGraph,
    WireLayer,
    WireTensor,
)
from shapewidget.notebook.flow import Flow
from shapewidget.notebook.signature import signature
from shapewidget.probing.report import Report
from shapewidget.probing.report_text import place

WORST_FIRST = (Agreement.MISMATCH, Agreement.COINCIDENCE, Agreement.UNREACHED, Agreement.AGREE)
"""Which state a layer shows when its edges have several."""

LONGEST_VALUE = 200
"""Characters of a setting's value that are sent."""


def wire_graph(report: Report) -> WireGraph:
    """The whole graph with its findings, except the sizes of its tensors."""
    graph = report.graph
    flow, by_data = Flow(graph), sized_by_data(report.graph)
    return {
        "version": CONTRACT_VERSION,
        "title": graph.title,
        "framework": report.framework,
        "device": report.device,
        "layers": [_layer(layer, flow, by_data.get(layer.id)) for layer in graph.layers],
        "edges": [_edge(edge, flow) for edge in graph.edges],
        "findings": list(_findings(report.findings, flow)),
        "symbols": [
            {"name": name, "value": int(size), "meaning": report.meanings.get(name, "")}
            for name, size in graph.sizes.items()
        ],
        "notice": " ".join(_notices(report)),
    }


def wire_tensors(graph: LayerGraph, sizes: Mapping[str, int] | None = None) -> list[WireTensor]:
    """The tensors of a graph, in the order of `Flow`.

    Args:
        graph: Sizes are put into its solved dims.
        sizes: The named sizes to show; None for those of the run. An axis that was not solved keeps its size.
    """
    return [_tensor(spec, sizes) for spec in Flow(graph).tensors]


def edge_id(edge: Edge) -> str:
    """The id that an edge is selected by."""
    return f"{edge.source}:{edge.output} → {edge.target}:{edge.input}"


def _tensor(spec: TensorSpec, sizes: Mapping[str, int] | None) -> WireTensor:
    shape = [int(size) for size in spec.shape]
    if sizes is not None and spec.dims is not None:
        solved = [dim.at(sizes) for dim in spec.dims]
        # A formula such as (T-6)//4 goes below nothing where the layer would refuse to run.
        shape = [size if new is None else max(new, 0) for size, new in zip(shape, solved, strict=True)]
    return {
        "shape": shape,
        "symbols": [] if spec.dims is None else [str(dim) for dim in spec.dims],
        "dtype": spec.dtype,
        "device": spec.device,
    }


def _layer(layer: Layer, flow: Flow, counted: Layer | None) -> WireLayer:
    entering = flow.entering[layer.id]
    wire: WireLayer = {
        "id": layer.id,
        "parent": layer.parent,
        "kind": layer.kind.value,
        "name": layer.name,
        "type": layer.type,
        "signature": signature(layer),
        "declared": [*_declared(layer), *_sized_by(counted)],
        "inputs": flow.inputs[layer.id],
        "outputs": flow.outputs[layer.id],
        "state": _worst(entering).value,
        "assumed": any(edge.assumed for edge in entering),
        "parameters": int(layer.parameters),
        "source": str(layer.source or ""),
        "code": layer.source.expression or "" if layer.source else "",
    }
    if layer.memory is not None:
        wire["memory"] = int(layer.memory)
    if layer.time is not None:
        wire["time"] = float(layer.time)
    return wire


def _worst(edges: Sequence[Edge]) -> Agreement:
    return min((edge.state for edge in edges), key=WORST_FIRST.index, default=Agreement.AGREE)


def _declared(layer: Layer) -> Iterator[WireDeclared]:
    for size in layer.declared:
        symbol = "" if size.dim is None or size.dim.is_constant else str(size.dim)
        yield {"name": size.name, "value": str(size.size), "symbol": symbol}
    for name, value in layer.settings.items():
        yield {"name": name, "value": str(value)[:LONGEST_VALUE], "symbol": ""}


def _sized_by(counted: Layer | None) -> Iterator[WireDeclared]:
    if counted is not None:
        yield {"name": "? depends on the data", "value": f"rows counted by {counted.name}", "symbol": ""}


def _edge(edge: Edge, flow: Flow) -> WireEdge:
    return {
        "id": edge_id(edge),
        "source": edge.source,
        "target": edge.target,
        "tensor": flow.tensor(edge),
        "state": edge.state.value,
        "assumed": edge.assumed,
        "escaped": edge.escaped,
        "badge": edge.badge,
        "axis": edge.axis,
    }


def _findings(findings: Sequence[Finding], flow: Flow) -> Iterator[WireFinding]:
    mistakes = by_mistake(findings)
    told = {id(first): len(others) for first, *others in mistakes}
    for finding in findings:
        wire = _finding(finding, flow)
        if id(finding) not in told:
            wire["again"] = True
        elif others := told[id(finding)]:
            wire["place"] += f" and {others} more"
        yield wire


def _finding(finding: Finding, flow: Flow) -> WireFinding:
    return {
        "code": finding.code,
        "title": finding.title,
        "severity": finding.severity.value,
        "layer": finding.layer_id,
        "place": place(finding),
        "edges": [edge_id(edge) for edge in flow.entering.get(finding.layer_id, ()) if _is_about(finding, edge)],
        "reason": finding.reason,
        "fix": finding.fix,
        "patch": finding.patch or "",
        "source": str(finding.source or ""),
        "code_line": finding.source.text.strip() if finding.source else "",
        "verified": finding.verified,
    }


def _is_about(finding: Finding, edge: Edge) -> bool:
    same_axis = finding.axis is None or edge.axis is None or finding.axis == edge.axis
    return edge.state.value == finding.severity.value and same_axis


def _notices(report: Report) -> Iterator[str]:
    yield from report.notes
    if report.stopped is not None:
        yield f"The run ended early: {report.stopped}"
