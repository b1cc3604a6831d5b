"""Recording: the graph of a run, against edges written by hand."""

from __future__ import annotations

import dataclasses
import threading

import pytest
import torch
from recorded_programs import GRAPHS, Net
from torch import nn, overrides

from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.torch.guard import function_modes, set_function_modes
from shapewidget.frameworks.torch.record import record
from shapewidget.graph.records import LayerKind


def layer_edges(graph):
    """Edges between layers, with the operations between them contracted."""
    sources: dict[str, set[str]] = {}
    edges = set()
    for layer in graph.layers:
        reached = set()
        for edge in graph.into(layer.id):
            kind = graph.by_id[edge.source].kind
            reached |= sources[edge.source] if kind is LayerKind.OPERATION else {edge.source}
        sources[layer.id] = reached
        if layer.kind is not LayerKind.OPERATION:
            edges |= {(source, layer.id) for source in reached}
    return edges


@pytest.mark.parametrize("name", GRAPHS)
def test_record_finds_exactly_the_edges(name):
    forward, expected = GRAPHS[name]
    model = Net(forward)
    recording = record(model, Batch((torch.randn(3, 4, 6),)), None)
    assert recording.stopped is None
    assert layer_edges(recording.graph) == expected


@pytest.mark.parametrize("name", GRAPHS)
def test_record_does_not_change_what_the_model_gives(name):
    model = Net(GRAPHS[name][0]).eval()
    x = torch.randn(3, 4, 6)
    with torch.no_grad():
        plain = model(x)
    seen = []
    record(model, Batch((x,)), lambda output, _: seen.append(output))
    assert_same(seen[0], plain)


def assert_same(one, other):
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif hasattr(one, "items") or dataclasses.is_dataclass(one):
        one, other = (value if hasattr(value, "items") else vars(value) for value in (one, other))
        for key in one:
            assert_same(one[key], other[key])
    else:
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(6, 6)

    def forward(self, x):
        return x + self.inner(x).tanh()


class Scale(nn.Module):
    """A module of the user's own without children and without a torch function of its own."""

    def forward(self, x):
        return x


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.block, self.scale, self.head = Block(), Scale(), nn.Sequential(nn.Linear(6, 2), nn.ReLU())

    def forward(self, x):
        return self.head(self.scale(self.block(self.block(x))))


def test_record_nests_groups_and_numbers_repeated_calls():
    graph = record(Nested(), Batch((torch.randn(3, 6),)), None).graph
    parents = {layer.id: layer.parent for layer in graph.layers}
    assert parents["block.inner"] == "block"
    assert parents["block.inner#2"] == "block#2"
    assert parents["block/add"] == "block"
    assert parents["head.0"] == "head"
    assert graph.by_id["block"].kind is LayerKind.GROUP
    assert graph.by_id["scale"].kind is LayerKind.LAYER


def test_record_knows_line_and_expression_of_every_operation():
    graph = record(Nested(), Batch((torch.randn(3, 6),)), None).graph
    add = graph.by_id["block/add"]
    assert add.source is not None
    assert add.source.label == "test_record.py"
    assert add.source.text == "return x + self.inner(x).tanh()"
    assert add.source.expression == "x + self.inner(x).tanh()"


def test_record_of_a_loss_function_is_a_group_with_predictions_and_targets():
    def loss(outputs, targets):
        return (outputs - targets).pow(2).mean()

    graph = record(nn.Linear(6, 1), Batch((torch.randn(3, 6),), targets=torch.randn(3, 1)), loss).graph
    assert graph.by_id["loss"].kind is LayerKind.GROUP
    assert {(edge.source, edge.target) for edge in graph.edges} >= {("Linear", "loss/sub"), ("targets", "loss/sub")}


def test_record_of_a_loss_module_is_one_node():
    graph = record(nn.Linear(6, 1), Batch((torch.randn(3, 6),), targets=torch.randn(3, 1)), nn.MSELoss()).graph
    assert graph.by_id["MSELoss"].kind is LayerKind.LOSS
    assert [edge.source for edge in graph.into("MSELoss")] == ["Linear", "targets"]


def test_record_stops_where_the_program_raises_and_draws_the_rest_as_not_reached():
    class Raises(Nested):
        def forward(self, x):
            x = self.block(x)
            raise KeyError("no such label")

    recording = record(Raises(), Batch((torch.randn(3, 6),)), None)
    assert recording.stopped == "KeyError: 'no such label'"
    assert {edge.target: edge.state.value for edge in recording.graph.edges if edge.target.startswith("head")} == {
        "head.0": "unreached",
        "head.1": "unreached",
    }


def test_record_puts_the_module_call_back_also_when_interrupted():
    class Interrupted(nn.Module):
        def forward(self, x):
            raise KeyboardInterrupt

    original = nn.Module.__call__
    with pytest.raises(KeyboardInterrupt):
        record(Interrupted(), Batch((torch.randn(3, 6),)), None)
    assert nn.Module.__call__ is original
    assert torch._C._len_torch_function_stack() == 0


def test_mode_that_torch_puts_on_again_after_an_interrupt_records_nothing():
    late, nodes = [], []

    class Interrupted(nn.Module):
        def forward(self, x):
            late.append(overrides._pop_mode_temporarily())
            nodes.append(late[0].__enter__().recorder.nodes)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record(Interrupted(), Batch((torch.randn(3, 6),)), None)
    before = len(nodes[0])
    late[0].__exit__(None, None, None)
    try:
        assert len(function_modes()) == 1
        assert torch.relu(torch.tensor([-1.0, 2.0])).tolist() == [0, 2]
    finally:
        set_function_modes([])
    assert len(nodes[0]) == before > 0


def test_record_leaves_a_default_device_of_the_users_where_it_is():
    torch.set_default_device("cpu")
    try:
        modes = function_modes()
        record(nn.Linear(6, 6), Batch((torch.randn(3, 6),)), None)
        assert function_modes() == modes != []
    finally:
        torch.set_default_device(None)


def test_record_takes_back_a_default_device_that_the_model_sets():
    class Setter(nn.Module):
        def forward(self, x):
            torch.set_default_device("meta")
            return x + 1

    record(Setter(), Batch((torch.randn(3, 6),)), None)
    assert torch.get_default_device() == torch.device("cpu")
    assert function_modes() == []


def test_record_lets_other_threads_pass():
    other, started, done = nn.Linear(6, 6), threading.Event(), threading.Event()

    def elsewhere():
        started.wait(10)
        other(torch.randn(2, 6))
        done.set()

    class Waits(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(6, 6)

        def forward(self, x):
            started.set()
            assert done.wait(10)
            return self.a(x)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    graph = record(Waits(), Batch((torch.randn(3, 6),)), None).graph
    thread.join()
    assert [layer.id for layer in graph.layers] == ["x", "a", "output"]
