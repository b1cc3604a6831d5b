"""Recording of models that something else is wrapped around, or that run on a path of torch's own."""

from __future__ import annotations

import pytest
import torch
import torch.distributed as dist
from fingerprint import fingerprint
from torch import nn
from torch.nn.utils import parametrizations

import shapewidget
from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.torch.record import record
from shapewidget.graph.records import LayerKind


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(6, 6)

    def forward(self, x):
        return x + self.inner(x).tanh()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block, self.head = Block(), nn.Sequential(nn.Linear(6, 2), nn.ReLU())

    def forward(self, x):
        return self.head(self.block(self.block(x)))


def graph_of(model, *inputs):
    recording = record(model, Batch(inputs), None)
    assert recording.stopped is None
    return recording.graph


def layers_of(graph):
    return [layer.id for layer in graph.layers if layer.kind is LayerKind.LAYER]


@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method.*:DeprecationWarning")
@pytest.mark.parametrize("wrap", [torch.compile, nn.DataParallel])
def test_record_of_a_wrapped_model_is_that_of_the_model(wrap):
    model, x = Net(), torch.randn(3, 6)
    assert graph_of(wrap(model), x) == graph_of(model, x)


@pytest.fixture
def one_process(tmp_path):
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'group'}", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.usefixtures("one_process")
def test_record_of_a_distributed_model_is_that_of_the_model():
    model, x = Net(), torch.randn(3, 6)
    wrapped = nn.parallel.DistributedDataParallel(model)
    before = fingerprint(wrapped)
    assert graph_of(wrapped, x) == graph_of(model, x)
    assert shapewidget.probe(wrapped, x).ok
    assert fingerprint(wrapped) == before


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_record_draws_a_scripted_module_as_a_layer_and_gives_its_state_back():
    inner = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.ReLU(inplace=True))
    model, x = nn.Sequential(nn.Linear(6, 6), torch.jit.script(inner), nn.Linear(6, 2)), torch.randn(3, 6)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert layers_of(graph_of(model, x)) == ["0", "1", "2"]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_record_gives_back_an_input_that_a_scripted_module_writes_over():
    class Clips(nn.Module):
        def forward(self, x):
            return x.clamp_(min=0)

    x = torch.randn(3, 6)
    before = x.clone()
    graph_of(nn.Sequential(torch.jit.script(Clips())), x)
    assert torch.equal(x, before)


def encoder(**settings):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **settings)
    return nn.TransformerEncoder(layer, 2).eval()


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
@pytest.mark.parametrize("is_padded", [False, True])
def test_record_opens_an_encoder_and_gives_what_its_fused_path_gives(is_padded):
    model, x = encoder(), torch.randn(3, 5, 8)
    mask = torch.tensor([[False] * (5 - cut) + [True] * cut for cut in (0, 1, 2)]) if is_padded else None
    with torch.no_grad():
        plain = model(x, src_key_padding_mask=mask)
    seen = []
    batch = Batch((x,), {"src_key_padding_mask": mask} if is_padded else {})
    graph = record(model, batch, lambda output, _: seen.append(output)).graph
    assert torch.equal(seen[0], plain)
    assert {"layers.0.self_attn", "layers.0.linear1", "layers.1.norm2"} <= set(layers_of(graph))
    assert [edge.source for edge in graph.into("output")] == ["layers.1.norm2"]


def test_record_gives_what_the_fused_path_of_attention_gives():
    model, x = nn.MultiheadAttention(8, 2, batch_first=True).eval(), torch.randn(3, 5, 8)
    with torch.no_grad():
        plain = model(x, x, x)
    seen = []
    record(model, Batch((x, x, x)), lambda output, _: seen.append(output))
    assert all(map(torch.equal, seen[0], plain))


def test_record_sees_the_weights_of_a_parametrized_layer():
    model, x = nn.Sequential(parametrizations.weight_norm(nn.Linear(6, 4)), nn.Linear(4, 2)), torch.randn(3, 6)
    before = fingerprint(model)
    graph = graph_of(model, x)
    assert [edge.source for edge in graph.into("output")] == ["1"]
    assert fingerprint(model) == before


def test_record_names_shared_modules_and_tied_weights_once():
    model, x = Net(), torch.randn(3, 6)
    model.head[0] = model.block.inner
    assert layers_of(graph_of(model, x)) == ["block.inner", "block.inner#2", "block.inner#3", "head.1"]

    tied = nn.Sequential(nn.Embedding(9, 6), nn.Linear(6, 9, bias=False))
    tied[1].weight = tied[0].weight
    assert layers_of(graph_of(tied, torch.randint(9, (3, 4)))) == ["0", "1"]


def test_probe_leaves_a_lazy_model_lazy():
    model, x = nn.Sequential(nn.LazyLinear(7), nn.ReLU(), nn.LazyLinear(2)), torch.randn(3, 6)
    assert shapewidget.probe(model, x).ok
    assert all(nn.parameter.is_lazy(weight) for weight in model.parameters())


def test_record_runs_under_a_default_device_and_in_inference_mode():
    model, x = Net(), torch.randn(3, 6)
    expected = layers_of(graph_of(model, x))
    with torch.device("cpu"):
        assert layers_of(graph_of(model, x)) == expected
    with torch.inference_mode():
        assert layers_of(graph_of(model, x)) == expected
