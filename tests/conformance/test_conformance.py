"""The same small models, written in PyTorch and in Keras, give the same layers, edges, symbols and findings."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np
import pytest
from conformance import in_keras, in_torch

import shapewidget

DRAWN = np.random.default_rng(0)
OWN_WORDS = {"cat": "concat", "permute": "transpose", "amax": "max"}
"""What PyTorch calls an operation, and Keras: each report keeps its reader's word."""


def floats(*shape):
    return DRAWN.normal(size=shape).astype("float32")


IDS = DRAWN.integers(0, 20, (4, 9))
INPUTS = {
    "Perceptron": (floats(4, 6),),
    "Tagger": (IDS,),
    "Reader": (floats(4, 9, 6),),
    "Attention": (floats(4, 9, 6),),
    "Pooled": (IDS,),
    "Residual": (floats(4, 6),),
    "TwoInputs": (floats(4, 4), floats(4, 5)),
    "TwoOutputs": (floats(4, 6),),
    "Shared": (floats(4, 6), floats(4, 6)),
    "Nested": (floats(4, 6),),
    "Siamese": (floats(4, 6), floats(4, 6)),
    "Autoencoder": (floats(4, 6),),
    "Gated": (floats(4, 6),),
    "Positions": (IDS, DRAWN.integers(0, 9, (4, 9))),
    "Summary": (floats(4, 9, 6),),
    "Stacked": (floats(4, 6),),
}


def probed(framework, name, inputs, targets=None):
    model = getattr(framework, name)()
    loss = framework.squared_error if targets is not None else None
    given = tuple(framework.tensor(array) for array in inputs)
    return shapewidget.probe(model, given, targets=targets, loss=loss)


def word(id_):
    inside, slash, operation = id_.rpartition("/")
    name, hash_, count = operation.partition("#")
    return f"{inside}{slash}{OWN_WORDS.get(name, name)}{hash_}{count}"


def shown(report):
    """Every layer, of PyTorch's recurrent ones without the states: these have no twin in Keras."""
    return [
        (
            word(layer.id),
            str(layer.kind),
            layer.parent,
            [str(spec) for spec in layer.inputs],
            [str(spec) for spec in layer.outputs[:1]],
        )
        for layer in report.graph.layers
    ]


def edges(report):
    return {
        (word(edge.source), word(edge.target), edge.output, edge.input, str(edge.state)) for edge in report.graph.edges
    }


def findings(report):
    return [(found.code, found.severity, found.layer, found.axis, found.axis_name) for found in report.findings]


@pytest.mark.parametrize("name", INPUTS)
def test_frameworks_agree_on_a_right_model(name):
    ours, theirs = (probed(framework, name, INPUTS[name]) for framework in (in_keras, in_torch))
    assert shown(ours) == shown(theirs)
    assert edges(ours) == edges(theirs)
    assert findings(ours) == findings(theirs) == []


def test_frameworks_agree_on_pictures_in_their_own_order():
    pictures = floats(4, 3, 8, 8)
    theirs = probed(in_torch, "Pictures", (pictures,))
    model, inputs = in_keras.Pictures(), in_keras.tensor(pictures.transpose(0, 2, 3, 1))
    model(inputs)  # builds it, for this height and width: one that is not built takes any
    ours = shapewidget.probe(model, inputs)
    assert edges(ours) == edges(theirs)
    assert [sorted(map(str, layer.outputs[0].dims)) for layer in ours.graph.layers if layer.outputs] == [
        sorted(map(str, layer.outputs[0].dims)) for layer in theirs.graph.layers if layer.outputs
    ]
    assert findings(ours) == findings(theirs) == []


def test_frameworks_agree_on_heads():
    ours, theirs = (probed(framework, "Heads", (floats(4, 9, 6),)) for framework in (in_keras, in_torch))
    behind = next(place for place, layer in enumerate(theirs.graph.layers) if word(layer.id) == "reshape#4")
    assert shown(ours)[:behind] == shown(theirs)[:behind]
    assert edges(ours) == edges(theirs)
    assert findings(ours) == findings(theirs) == []


def test_frameworks_agree_on_a_decoder_that_starts_from_a_state():
    inputs = floats(4, 9, 4), floats(4, 5, 4)
    ours, theirs = (probed(framework, "Translator", inputs) for framework in (in_keras, in_torch))
    assert [word(layer.id) for layer in ours.graph.layers] == [word(layer.id) for layer in theirs.graph.layers]
    assert edges(ours) == edges(theirs)
    assert findings(ours) == findings(theirs) == []


def test_frameworks_agree_on_a_layer_of_the_wrong_width():
    ours, theirs = (probed(framework, "WrongWidth", (IDS,)) for framework in (in_keras, in_torch))
    assert findings(ours) == findings(theirs)
    assert [(found.expected, found.got) for found in ours.findings] == [
        (found.expected, found.got) for found in theirs.findings
    ]
    clashing = [{edge for edge in edges(report) if edge[-1] == "mismatch"} for report in (ours, theirs)]
    assert clashing[0] == clashing[1] == {("both", "head", 0, 0, "mismatch")}


def test_frameworks_agree_on_a_loss_of_every_pair():
    targets = floats(4)
    reports = [
        probed(framework, "Shared", (floats(4, 6), floats(4, 6)), framework.tensor(targets))
        for framework in (in_keras, in_torch)
    ]
    ours, theirs = ([(found.code, found.severity, found.layer) for found in report.findings] for report in reports)
    assert ours == theirs == [("SW302", "coincidence", "sub")]
