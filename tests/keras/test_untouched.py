"""Probing leaves the model, and the process around it, as found."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from keras_fingerprint import fingerprint
from keras_programs import PROGRAMS

import shapewidget
from shapewidget.errors import InputError

X = np.random.default_rng(0).normal(size=(8, 6, 3)).astype("float32")


class Restless(layers.Layer):
    """Writes to all that a layer can hold whenever it is called, and raises in the end if it is told to."""

    def __init__(self, raises=False):
        super().__init__()
        self.raises, self.calls, self.seen = raises, 0, []
        self.plain = tf.Variable(1.0)

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 4))
        self.count = self.add_weight(shape=(), trainable=False, initializer="zeros")

    def call(self, x):
        self.calls += 1
        self.seen.append(self.calls)
        self.plain.assign_add(1.0)
        self.count.assign(self.count + 1)
        self.kernel.assign(self.kernel * 0.5)
        self.add_loss(ops.sum(self.kernel))
        if self.raises:
            raise ValueError("as told")
        return x @ self.kernel


def trained(*more):
    model = keras.Sequential(
        [keras.Input((6, 3)), layers.GRU(4), layers.Dropout(0.5), layers.BatchNormalization(), *more, layers.Dense(2)]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(X, np.zeros(8, "int32"), verbose=0)
    return model


def test_probe_leaves_a_trained_model_as_found():
    model = trained()
    model.layers[0].trainable = False
    before = fingerprint(model)
    shapewidget.probe(model, X, targets=np.zeros(8, "int32"), loss=model.loss)
    assert fingerprint(model) == before


@pytest.mark.parametrize("raises", [False, True])
def test_probe_takes_back_what_a_layer_writes(raises):
    model = trained(Restless())
    layer = model.layers[-2]
    layer.raises = raises
    plain = float(layer.plain)
    before = fingerprint(model)
    report = shapewidget.probe(model, X)
    assert fingerprint(model) == before
    assert float(layer.plain) == plain
    assert (report.stopped is not None) is raises


class Noting(layers.Layer):
    """Writes into a list that was given to a layer of Keras's own."""

    def __init__(self):
        super().__init__()
        self.inner = layers.Dense(3, activity_regularizer="l2")
        self.inner.notes = []

    def call(self, x):
        self.inner.notes.append(len(self.inner.notes))
        return self.inner(x)


def test_probe_takes_back_what_is_written_into_a_layer_of_keras():
    model = trained(Noting())
    inner = model.layers[-2].inner
    notes, losses = list(inner.notes), len(inner.losses)
    before = fingerprint(model)
    shapewidget.probe(model, X)
    assert fingerprint(model) == before
    assert list(inner.notes) == notes
    assert len(inner.losses) == losses


def test_probe_leaves_the_states_of_a_recurrent_layer():
    model = keras.Sequential([keras.Input((6, 3), batch_size=8), layers.LSTM(5, stateful=True), layers.Dense(2)])
    model(X)
    before = fingerprint(model)
    shapewidget.probe(model, X)
    assert fingerprint(model) == before


@pytest.mark.parametrize("name", ["return_sequences_forgotten", "batch_axis_missing", "norm_of_rows"])
def test_probe_leaves_a_model_that_raises_as_found(name):
    model, inputs, *rest = PROGRAMS[name].make(True)
    before = fingerprint(model)
    shapewidget.probe(model, inputs, targets=rest[0] if rest else None, loss=rest[1] if rest else None)
    assert fingerprint(model) == before


def test_sliders_leave_the_model_as_found():
    model = trained()
    report = shapewidget.probe(model, X)
    before = fingerprint(model)
    report.session.probe({"units": 9, "B": 3})
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


def test_capture_trains_a_model_as_it_would_be_trained():
    weights = []
    for is_captured in (False, True):
        keras.utils.set_random_seed(3)
        model = keras.Sequential([keras.Input((6, 3)), layers.Flatten(), layers.Dense(4), layers.Dropout(0.5)])
        model.compile("sgd", "mse", run_eagerly=True)
        with shapewidget.capture() if is_captured else keras.name_scope("plain"):
            model.fit(X, np.ones((8, 4), "float32"), batch_size=4, verbose=0)
        weights.append([weight.tobytes() for weight in model.get_weights()])
    assert weights[0] == weights[1]


def test_symbols_are_solved_and_edges_follow_the_tensors():
    text = keras.Input((None,), dtype="int32")
    ids = layers.Embedding(20, 6, name="embed")(text)
    both = layers.Bidirectional(layers.LSTM(5, return_sequences=True), name="both")(ids)
    model = keras.Model(text, layers.Dense(3, name="tags")(layers.Concatenate(name="skip")([both, ids])))
    graph = shapewidget.probe(model).graph
    assert str(graph.by_id["skip"].outputs[0]) == "(B, T, output_dim+2·units)"
    arrows = {(edge.source, edge.target) for edge in graph.edges}
    assert {("embed", "both"), ("both", "skip"), ("embed", "skip"), ("skip", "tags"), ("tags", "output")} <= arrows


def test_a_batch_without_a_sample_is_refused():
    with pytest.raises(InputError, match=r"`.+` has shape \(0, 6, 3\): axis 0 is empty"):
        shapewidget.probe(trained(), X[:0])
