"""Probing leaves the model, and the process around it, as found."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras_programs import PROGRAMS

import shapewidget


def fingerprint(model):
    """All that a probe could change."""
    everything = list(model._flatten_layers())
    return {
        "weights": [weight.value.numpy().tobytes() for weight in model.variables],
        "built": [(layer.name, layer.built, layer._called) for layer in everything],
        "nodes": [(len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in everything],
        "attributes": [{name: id(value) for name, value in vars(layer).items()} for layer in everything],
        "generators": (random.getstate(), repr(np.random.get_state())),
        "call": id(keras.layers.Layer.__call__),
    }


def compiled():
    model = keras.Sequential(
        [keras.Input((6, 3)), layers.GRU(4), layers.Dropout(0.5), layers.BatchNormalization(), layers.Dense(2)]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = np.ones((8, 6, 3), "float32"), np.zeros(8, "int32")
    model.fit(x, y, verbose=0)
    return model, x, y


def test_probe_leaves_a_trained_model_as_found():
    model, x, y = compiled()
    before = fingerprint(model)
    shapewidget.probe(model, x, targets=y, loss=model.loss)
    assert fingerprint(model) == before


@pytest.mark.parametrize("name", ["return_sequences_forgotten", "batch_axis_missing", "norm_of_rows"])
def test_probe_leaves_a_model_that_raises_as_found(name):
    model, inputs, *rest = PROGRAMS[name].make(True)
    before = fingerprint(model)
    shapewidget.probe(model, inputs, targets=rest[0] if rest else None, loss=rest[1] if rest else None)
    assert fingerprint(model) == before


def test_probe_builds_a_copy_of_a_model_that_was_never_called():
    model = keras.Sequential([layers.Dense(4), layers.Dense(2)])
    report = shapewidget.probe(model, np.ones((3, 5), "float32"))
    assert str(report.graph.by_id["output"].inputs[0]) == "(B, 2)"
    assert not model.built
    assert not model.weights


def test_automatic_names_count_on_where_they_were():
    model = keras.Sequential([layers.Dense(4)])
    first = layers.Dense(1).name
    shapewidget.probe(model, np.ones((3, 5), "float32"))
    assert int(layers.Dense(1).name.rsplit("_", 1)[1]) == int(first.rsplit("_", 1)[1]) + 1


def test_capture_runs_functions_as_before_once_it_has_ended():
    with shapewidget.capture():
        assert tf.config.functions_run_eagerly()
    assert not tf.config.functions_run_eagerly()


def test_symbols_are_solved_and_edges_follow_the_tensors():
    text = keras.Input((None,), dtype="int32")
    ids = layers.Embedding(20, 6, name="embed")(text)
    both = layers.Bidirectional(layers.LSTM(5, return_sequences=True), name="both")(ids)
    model = keras.Model(text, layers.Dense(3, name="tags")(layers.Concatenate(name="skip")([both, ids])))
    graph = shapewidget.probe(model).graph
    assert str(graph.by_id["skip"].outputs[0]) == "(B, T, output_dim+2·units)"
    arrows = {(edge.source, edge.target) for edge in graph.edges}
    assert {("embed", "both"), ("both", "skip"), ("embed", "skip"), ("skip", "tags"), ("tags", "output")} <= arrows
