"""Two more known reports for the front end: a mismatch three groups deep, and a run that ended early."""

from itertools import pairwise

from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.graph.dims import Dim, constant, symbol
from shapewidget.graph.records import Agreement, Declared, Edge, Layer, LayerGraph, LayerKind, SourceLine, TensorSpec
from shapewidget.probing.report import Report

SIZES = {"B": 4, "T": 20, "C": 16, "dim": 512, "hidden": 4096, "E": 256}
B, T, C, DIM, HIDDEN, E = (symbol(name) for name in SIZES)
TWICE_DIM = Dim(((2, ("dim",)),))
TWICE_E = Dim(((2, ("E",)),))


def spec(*dims: Dim, dtype: str = "float32") -> TensorSpec:
    return TensorSpec(tuple(dim.at(SIZES) for dim in dims), dtype, dims=dims)


def leaf(id_: str, type_: str, takes: TensorSpec, gives: TensorSpec, *declared: Declared, **settings: object) -> Layer:
    """A layer, or an operation where the type is written small; its group stands before the last dot."""
    kind = LayerKind.OPERATION if type_.islower() else LayerKind.LAYER
    parent, _, name = id_.rpartition(".")
    return Layer(id_, kind, name, type_, id_, parent or None, (takes,), (gives,), declared, settings)


def group(id_: str, type_: str, takes: TensorSpec, gives: TensorSpec) -> Layer:
    parent, _, name = id_.rpartition(".")
    return Layer(id_, LayerKind.GROUP, name, type_, id_, parent or None, (takes,), (gives,))


def linear(id_: str, takes: TensorSpec, gives: TensorSpec, width: int) -> Layer:
    assert gives.dims is not None
    return leaf(
        id_, "Linear", takes, gives, Declared("in_features", width, -1), Declared("out_features", gives.shape[-1])
    )


def elmo_report() -> Report:
    """Character convolutions, a highway, two stacks of LSTMs; the projection was built for the width before `cat`."""
    ids, chars = spec(B, T, C, dtype="int64"), spec(B, T, C, constant(16))
    words, wide, states, both = spec(B, T, constant(2048)), spec(B, T, DIM), spec(B, T, DIM), spec(B, T, TWICE_DIM)
    scores = spec(B, T, constant(17))
    lstm = (Declared("input_size", 512, -1, DIM), Declared("hidden_size", 512, None, DIM))
    layers = (
        Layer("char_ids", LayerKind.INPUT, "char_ids", "char_ids", outputs=(ids,)),
        group("bilm", "BiLM", ids, both),
        group("bilm.encoder", "CharEncoder", ids, wide),
        leaf("bilm.encoder.embedding", "Embedding", ids, chars, Declared("embedding_dim", 16)),
        leaf("bilm.encoder.convolve", "max", chars, words, dim=-1),
        group("bilm.encoder.highway", "Highway", words, words),
        linear("bilm.encoder.highway.gate", words, words, 2048),
        leaf("bilm.encoder.highway.relu", "relu", words, words),
        linear("bilm.encoder.projection", words, wide, 2048),
        group("bilm.forward_stack", "Stack", wide, states),
        leaf("bilm.forward_stack.0", "LSTM", wide, states, *lstm),
        leaf("bilm.forward_stack.1", "LSTM", states, states, *lstm),
        group("bilm.backward_stack", "Stack", wide, states),
        leaf("bilm.backward_stack.0", "LSTM", wide, states, *lstm),
        leaf("bilm.backward_stack.1", "LSTM", states, states, *lstm),
        leaf("bilm.cat", "cat", states, both, dim=-1),
        group("tagger", "Tagger", both, scores),
        group("tagger.head", "Head", both, scores),
        linear("tagger.head.projection", both, wide, 512),
        leaf("tagger.head.dropout", "Dropout", wide, wide, p=0.1),
        linear("tagger.head.out", wide, scores, 512),
        Layer("output", LayerKind.OUTPUT, "output", "output", inputs=(scores,)),
    )
    encoder = [layer.id for layer in layers[3:9] if layer.kind is not LayerKind.GROUP]
    stacks = [[f"bilm.{name}_stack.{place}" for place in (0, 1)] for name in ("forward", "backward")]
    edges = [
        *(Edge(*ends) for ends in pairwise(["char_ids", *encoder])),
        *(Edge(*ends) for stack in stacks for ends in pairwise([encoder[-1], *stack])),
        *(Edge(stack[-1], "bilm.cat", input=place) for place, stack in enumerate(stacks)),
        Edge(
            "bilm.cat", "tagger.head.projection", state=Agreement.MISMATCH, badge="2·dim = 1024 ≠ 512", axis=2
        ),
        *(
            Edge(*ends, assumed=True)
            for ends in pairwise(["tagger.head.projection", "tagger.head.dropout", "tagger.head.out", "output"])
        ),
    ]  # fmt: skip
    return Report(
        (projection_finding(),), LayerGraph(layers, tuple(edges), SIZES, "ELMo"), "torch", "cpu", (), MEANINGS
    )


MEANINGS = {"B": "batch size", "T": "sequence length", "C": "characters of a word", "dim": "argument of BiLM"}


PATCH = """\
--- In [7]
+++ In [7]
@@ -31 +31 @@
-        self.projection = nn.Linear(dim, dim)
+        self.projection = nn.Linear(2 * dim, dim)
"""


def projection_finding() -> Finding:
    return finding(
        "SW101", "module", "projection", "`cat` joins two states of width dim = 512 to 2·dim = 1024; "
        "`projection` was built for 512.", fix="self.projection = nn.Linear(2 * dim, dim)", patch=PATCH, axis=2,
        expected=512, got=1024, source=SourceLine("cell", "In [7]", 31, "self.projection = nn.Linear(dim, dim)"),
        verified=True, layer_id="tagger.head.projection",
    )  # fmt: skip


def translator_report() -> Report:
    """An LSTM that reads the batch as time, and a decoder that the run did not reach."""
    ids, vectors, states = spec(B, T, dtype="int64"), spec(B, T, E), spec(B, T, TWICE_E)
    scores = spec(B, T, constant(900))
    layers = (
        Layer("source", LayerKind.INPUT, "source", "source", outputs=(ids,)),
        group("encoder", "Encoder", ids, states),
        leaf("encoder.embedding", "Embedding", ids, vectors, Declared("embedding_dim", 256, None, E)),
        leaf("encoder.lstm", "LSTM", vectors, states, Declared("input_size", 256, -1, E), bidirectional=True),
        group("bridge", "Sequential", states, vectors),
        linear("bridge.0", states, vectors, 512),
        leaf("bridge.1", "Tanh", vectors, vectors),
        group("decoder", "Decoder", vectors, scores),
        group("decoder.attention", "Attention", vectors, vectors),
        linear("decoder.attention.query", vectors, vectors, 256),
        leaf("decoder.attention.softmax", "softmax", vectors, vectors, dim=-1),
        linear("decoder.out", vectors, scores, 256),
        Layer("output", LayerKind.OUTPUT, "output", "output", inputs=(scores,)),
    )
    order = [layer.id for layer in layers if layer.kind is not LayerKind.GROUP]
    marks = {"encoder.lstm": {"state": Agreement.COINCIDENCE, "badge": "B read as time", "axis": 0}}
    for id_ in order[order.index("decoder.attention.query") :]:
        marks[id_] = {"state": Agreement.UNREACHED}
    edges = tuple(Edge(source, target, **marks.get(target, {})) for source, target in pairwise(order))
    lstm = finding(
        "SW503", "module", "encoder.lstm", "The LSTM takes axis 0, the batch size B = 4, for time.", axis=0,
        fix="nn.LSTM(..., batch_first=True)", source=SourceLine("cell", "In [2]", 9), layer_id="encoder.lstm",
    )  # fmt: skip
    note = finding("SW504", "module", "encoder", "Nothing says whether axis 0 of `source` is the batch.")
    notes = ("The run ended early: out of memory in `decoder`.",)
    return Report((lstm, note), LayerGraph(layers, edges, SIZES, "Translator"), "torch", "cpu", notes, MEANINGS)
