import torch
from stand_in import tagger_graph
from torch import nn

from shapewidget.graph.records import Edge, Layer, LayerGraph, LayerKind, TensorSpec
from shapewidget.notebook.flow import Flow
from shapewidget.notebook.wire import wire_graph
from shapewidget.probing.session import probe

A, C = TensorSpec((2, 3), "float32"), TensorSpec((2, 5), "float32")


def leaf(id_, inputs=(), outputs=(), parent=None, kind=LayerKind.LAYER):
    return Layer(id_, kind, id_, id_, parent=parent, inputs=inputs, outputs=outputs)


def test_flow_has_one_tensor_for_an_output_and_all_who_read_it():
    flow = Flow(tagger_graph())
    assert len(flow.tensors) == 4
    assert flow.outputs["encoder.lstm"] == flow.inputs["head"] == [2]
    assert flow.outputs["head"] == flow.inputs["output"] == [3]


def test_flow_finds_a_groups_tensors_at_its_border():
    flow = Flow(tagger_graph())
    assert flow.inputs["encoder"] == flow.outputs["ids"]
    assert flow.outputs["encoder"] == flow.outputs["encoder.lstm"]


def test_flow_keeps_two_outputs_of_one_shape_apart():
    graph = LayerGraph(
        (leaf("split", (A,), (C, C)), leaf("add", (C, C), (C,))),
        (Edge("split", "add", output=1, input=0), Edge("split", "add", output=0, input=1)),
    )
    flow = Flow(graph)
    assert flow.outputs["split"] == [1, 2]
    assert flow.inputs["add"] == [2, 1]


def test_flow_puts_an_input_that_no_layer_made_before_the_layers_outputs():
    flow = Flow(LayerGraph((leaf("first", (A,), (C,)), leaf("second", (C, A), (A,))), (Edge("first", "second"),)))
    assert flow.tensors == [A, C, A, A]
    assert flow.inputs == {"first": [0], "second": [1, 2]}
    assert flow.outputs == {"first": [1], "second": [3]}


def test_flow_takes_an_escaped_value_for_another_tensor():
    flow = Flow(LayerGraph((leaf("a", (), (A,)), leaf("b", (C,), ())), (Edge("a", "b", escaped=True),)))
    assert flow.outputs["a"] == [0]
    assert flow.inputs["b"] == [1]


def test_flow_gives_a_group_a_tensor_of_its_own_where_nothing_inside_has_it():
    group = leaf("group", (A,), (A,), kind=LayerKind.GROUP)
    flow = Flow(LayerGraph((leaf("x", (), (C,)), group, leaf("inner", (C,), (C,), "group")), (Edge("x", "inner"),)))
    assert [flow.tensors[place] for place in flow.inputs["group"] + flow.outputs["group"]] == [A, A]
    assert len(flow.tensors) == 4


def test_flow_lets_only_outer_edges_enter_a_group():
    entering = Flow(tagger_graph()).entering
    assert [edge.source for edge in entering["encoder"]] == ["ids"]
    assert [edge.source for edge in entering["encoder.lstm"]] == ["encoder.embedding"]


def test_flow_lets_an_edge_enter_every_group_around_its_target():
    layers = (
        leaf("x", (), (A,)),
        leaf("outer", kind=LayerKind.GROUP),
        leaf("outer.mid", parent="outer", kind=LayerKind.GROUP),
        leaf("outer.mid.leaf", (A,), (), "outer.mid"),
    )
    entering = Flow(LayerGraph(layers, (Edge("x", "outer.mid.leaf"),))).entering
    assert len(entering["outer"]) == len(entering["outer.mid"]) == len(entering["outer.mid.leaf"]) == 1


def test_run_that_ended_early_can_be_drawn_to_its_end():
    class Raises(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.third = nn.Linear(6, 4), nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x):
            x = self.first(x)
            raise KeyError("no such label")

    report = probe(Raises(), torch.randn(3, 6))
    edges = {edge["target"]: edge for edge in wire_graph(report)["edges"]}
    assert (edges["second"]["state"], edges["third"]["state"]) == ("unreached", "unreached")
    assert edges["third"]["tensor"] == -1
