"""A session that runs no model: a known graph, sizes that it may refuse, and a record of what it was asked."""

import threading
from dataclasses import replace

from shapewidget.diagnosis.findings import Finding, Severity
from shapewidget.graph.costs import Measurement, Memory, Timing
from shapewidget.graph.dims import Dim, constant, symbol
from shapewidget.graph.records import (
    Agreement,
    Declared,
    Edge,
    Layer,
    LayerGraph,
    LayerKind,
    SourceLine,
    TensorSpec,
)
from shapewidget.probing.predictor import Prediction
from shapewidget.probing.report import Report
from shapewidget.probing.sizes import SizeControl

B, T, HIDDEN = symbol("B"), symbol("T"), symbol("hidden")
TWICE_HIDDEN = Dim(((2, ("hidden",)),))
SIZES = {"B": 4, "T": 10, "hidden": 32}


def spec(*dims: Dim, dtype: str = "float32") -> TensorSpec:
    return TensorSpec(tuple(dim.at(SIZES) for dim in dims), dtype, dims=dims)


def tagger_graph() -> LayerGraph:
    """Embedding and LSTM in a group, then a linear layer that expects half of what it gets."""
    ids, vectors, states = spec(B, T, dtype="int64"), spec(B, T, constant(16)), spec(B, T, TWICE_HIDDEN)
    scores = spec(B, T, constant(5))
    line = SourceLine("cell", "In [3]", 8, "    return self.head(states)", "self.head(states)")
    return LayerGraph(
        layers=(
            Layer("ids", LayerKind.INPUT, "ids", "ids", outputs=(ids,)),
            Layer("encoder", LayerKind.GROUP, "encoder", "Encoder", "encoder", None, (ids,), (states,)),
            Layer(
                "encoder.embedding", LayerKind.LAYER, "embedding", "Embedding", "encoder.embedding", "encoder", (ids,),
                (vectors,), (Declared("num_embeddings", 100), Declared("embedding_dim", 16)), {}, 1600,
            ),
            Layer(
                "encoder.lstm", LayerKind.LAYER, "lstm", "LSTM", "encoder.lstm", "encoder", (vectors,), (states,),
                (Declared("input_size", 16, -1), Declared("hidden_size", 32, None, HIDDEN)),
                {"batch_first": True, "bidirectional": True}, 12800,
            ),
            Layer(
                "head", LayerKind.LAYER, "head", "Linear", "head", None, (states,), (scores,),
                (Declared("in_features", 32, -1, HIDDEN), Declared("out_features", 5)), {}, 165, line,
            ),
            Layer("output", LayerKind.OUTPUT, "output", "output", inputs=(scores,)),
        ),
        edges=(
            Edge("ids", "encoder.embedding"),
            Edge("encoder.embedding", "encoder.lstm"),
            Edge("encoder.lstm", "head", state=Agreement.MISMATCH, badge="2·hidden = 64 ≠ 32", axis=2),
            Edge("head", "output", assumed=True),
        ),
        sizes=SIZES,
        title="Tagger",
    )  # fmt: skip


def head_finding() -> Finding:
    return Finding(
        "SW101", "Layer expects another width", Severity.MISMATCH, "module", "head", "The LSTM gives 2·hidden = 64.",
        fix="self.head = nn.Linear(2 * hidden, tags)", axis=2, verified=True, layer_id="head",
        source=SourceLine("cell", "In [3]", 5, "        self.head = nn.Linear(hidden, tags)"),
    )  # fmt: skip


def tagger_report(sizes: dict[str, int] = SIZES) -> Report:
    meanings = {"B": "batch size", "T": "sequence length", "hidden": "argument of Tagger"}
    return Report(
        (head_finding(),), replace(tagger_graph(), sizes=sizes), "torch", "cpu", ("The batch was made up.",), meanings
    )


class RecordingSession:
    """Answers at once, as the real one does after a while.

    Attributes:
        probed: The sizes of every probe.
        measured: The sizes of every measurement that was carried to its end.
        threads: The threads that it was called on.
        refused: Sizes that raise this exception, as (name, size): exception.
        on_measure: Called in the middle of a measurement, before its first pause.
    """

    def __init__(self) -> None:
        self.controls = (
            SizeControl("B", "batch size", 4, 1, 512),
            SizeControl("T", "sequence length", 10, 1, 1024),
            SizeControl("hidden", "hidden size", 32, 1, 2048),
        )
        self.report = tagger_report()
        self.probed, self.measured, self.threads = [], [], set()
        self.refused, self.on_measure = {}, lambda sizes: None

    def probe(self, sizes):
        self.threads.add(threading.current_thread())
        self.probed.append(dict(sizes))
        self._check(sizes)
        self.report = tagger_report(dict(sizes))
        return self.report

    @property
    def costs(self):
        return RecordingCosts(self)

    def _check(self, sizes):
        for item, error in self.refused.items():
            if item in sizes.items():
                raise error


class RecordingCosts:
    """The costs of a `RecordingSession`; predicts nothing."""

    capacity = peak_flops = None

    def __init__(self, session):
        self.session = session

    def refused(self, sizes):
        return None

    def predict(self, sizes):
        return Prediction(dict(sizes))

    def predict_layers(self, sizes):
        return {}

    def learning(self, told):
        yield from ()

    def measuring(self, sizes, effort):
        self.session.threads.add(threading.current_thread())
        self.session._check(sizes)
        self.session.on_measure(sizes)
        yield
        self.session.measured.append(dict(sizes))
        time = Timing(0.01, 0.009, 0.012, 5)
        return Measurement(dict(sizes), "cpu", time, time, Memory(100, 100, 200, 400, 300, "counted"))
