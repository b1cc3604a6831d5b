"""Programs of Keras that run on every backend, and what is told of them. As a program it prints that as JSON.

KERAS_BACKEND=jax python tests/keras_everywhere.py
"""

from __future__ import annotations

import json
import random
import sys

import keras
import numpy as np
from conformance import in_keras
from keras import layers, ops
from keras.src.backend.common import global_state

import shapewidget
from shapewidget.frameworks.registry import adapter_for

DRAWN = np.random.default_rng(0)


def floats(*shape):
    return DRAWN.normal(size=shape).astype("float32")


class Pairs(keras.losses.Loss):
    """Compares every sample with every other where targets have no second axis."""

    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_pred - y_true))


class Backbone(keras.Model):
    """In the style of KerasHub: a functional graph, made in the constructor of a subclass of Model."""

    def __init__(self, vocabulary_size=30, hidden_dim=8, num_heads=2, **kwargs):
        ids = keras.Input((None,), dtype="int32", name="token_ids")
        padding = keras.Input((None,), dtype="int32", name="padding_mask")
        x = layers.Embedding(vocabulary_size, hidden_dim, name="token_embedding")(ids)
        seen = layers.MultiHeadAttention(num_heads, hidden_dim // num_heads, name="attention")(
            x, x, attention_mask=ops.cast(ops.expand_dims(padding, 1), "bool")
        )
        x = layers.LayerNormalization(name="norm")(layers.Add(name="skip")([x, seen]))
        super().__init__(inputs={"token_ids": ids, "padding_mask": padding}, outputs=x, **kwargs)
        self.vocabulary_size, self.hidden_dim, self.num_heads = vocabulary_size, hidden_dim, num_heads

    def get_config(self):
        names = ("vocabulary_size", "hidden_dim", "num_heads")
        return super().get_config() | {name: getattr(self, name) for name in names}


def drawn(report):
    """Layers with the axes of what they give, edges with their state, findings."""
    return {
        "framework": report.framework,
        "layers": [(each.id, str(each.kind), *map(str, each.outputs)) for each in report.graph.layers],
        "edges": sorted((each.source, each.target, str(each.state)) for each in report.graph.edges),
        "findings": findings(report),
        "stopped": report.stopped is not None,
    }


def findings(report):
    lines = [each.source.text.strip() if each.source else "" for each in report.findings]
    return [
        (each.code, each.layer, each.fix, each.verified, line)
        for each, line in zip(report.findings, lines, strict=True)
    ]


def probed(name, *inputs):
    def run():
        return drawn(shapewidget.probe(getattr(in_keras, name)(), inputs))

    return run


def pairs_are_told_in_the_loss():
    targets = ops.convert_to_tensor(floats(4))
    return drawn(shapewidget.probe(in_keras.Shared(), (floats(4, 6), floats(4, 6)), targets=targets, loss=Pairs()))


def backbone():
    given = {"token_ids": DRAWN.integers(1, 30, (4, 9)).astype("int32"), "padding_mask": np.ones((4, 9), "int32")}
    return drawn(shapewidget.probe(Backbone(), given))


def states_are_kept():
    model = keras.Sequential([keras.Input((6, 3), batch_size=8), layers.LSTM(5, stateful=True, name="read")])
    return drawn(shapewidget.probe(model, floats(8, 6, 3)))


def built_with_mistakes():
    with shapewidget.capture(reraise=False) as report:
        steps = keras.Input((30, 4))
        x = layers.LSTM(8, name="below")(steps)
        x = layers.LSTM(5, name="above")(x)
        y = layers.Dense(6, name="project")(keras.Input((7,)))
        layers.Add(name="sum")([x, y])
    return drawn(report)


def fitted_on_pairs():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(4, name="wide"), layers.Dense(1, name="score")])
    model.compile("sgd", Pairs())
    model.fit(floats(8, 5), floats(8, 1), batch_size=4, verbose=0)  # what it compiles before is put back after
    with shapewidget.capture() as report:
        model.fit(floats(8, 5), floats(8), batch_size=4, verbose=0)
    return {"findings": [(each.code, each.layer, each.verified) for each in report.findings], "losses": losses(report)}


def losses(report):
    return sorted({each.id.partition("#")[0] for each in report.graph.layers if str(each.kind) in ("loss", "layer")})


def explained_from_the_error():
    x = layers.LSTM(8, name="below")(keras.Input((30, 4)))
    try:
        layers.Conv1D(5, 3, name="above")(x)
    except ValueError as error:
        return drawn(shapewidget.explain(error))


def left_as_found():
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(4), layers.Dropout(0.5), layers.BatchNormalization(), layers.Dense(2)]
    )
    model.compile("adam", "mse")
    x, y = floats(8, 6), floats(8, 2)
    model.fit(x, y, verbose=0)
    before = state_of(model)
    shapewidget.probe(model, x, targets=y, loss=model.loss).session.probe({"units": 9, "B": 3})
    return state_of(model) == before


def state_of(model):
    """What a probe could change of a model, and of random numbers and names."""
    parts = list(model._flatten_layers())
    return [
        [(each.path, each.trainable, each.numpy().tobytes()) for each in model.variables],
        [each.numpy().tobytes() for each in model.optimizer.variables],
        [(each.name, each.built, each.trainable, len(each._inbound_nodes)) for each in parts],
        [{name: id(value) for name, value in vars(each).items()} for each in parts],
        (random.getstate(), repr(np.random.get_state()), keras.Model.jit_compile, keras.layers.Layer.__call__),
        dict(global_state.get_global_attribute("object_name_uids")),
    ]


class Seen:
    def __init__(self):
        self.batches = []

    def note(self, batch):
        self.batches.append([tuple(each.shape) for each in keras.tree.flatten(batch) if hasattr(each, "shape")])


def batches_are_followed():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    seen = Seen()
    stop = adapter_for(model).follow(model, seen.note)
    model.fit(floats(8, 5), floats(8, 1), batch_size=4, verbose=0)
    model(floats(3, 5))
    stop()
    model(floats(2, 5))
    return seen.batches


def probed_while_followed():
    model, seen = keras.Sequential([keras.Input((5,)), layers.Dense(1)]), Seen()
    adapter_for(model).follow(model, seen.note)
    return drawn(shapewidget.probe(keras.Sequential([keras.Input((5,)), model]), floats(6, 5)))


class Native(keras.Model):
    """Calls the framework below Keras between two layers."""

    def __init__(self, width=6):
        super().__init__()
        self.enter, self.head = layers.Dense(width), layers.Dense(2)

    def call(self, x):
        x = self.enter(x)
        if keras.config.backend() == "torch":
            import torch

            x = torch.nn.functional.gelu(x[:, -1]) + 1.0
        else:
            import jax

            x = jax.nn.gelu(x[:, -1]) + 1.0
        return self.head(x)


def native():
    return drawn(shapewidget.probe(Native(), floats(4, 9, 3)))


def costs():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(1)])
    session = shapewidget.probe(model, floats(8, 5), targets=floats(8, 1), loss="mse").session
    run = session.measure({"B": 16})
    return {"timed": [run.forward is not None, run.step is not None], "refusal": run.refusal}


PROGRAMS = {
    "Perceptron": probed("Perceptron", floats(4, 6)),
    "Attention": probed("Attention", floats(4, 9, 6)),
    "Nested": probed("Nested", floats(4, 6)),
    "WrongWidth": probed("WrongWidth", DRAWN.integers(0, 20, (4, 9)).astype("int32")),
    **{
        program.__name__: program
        for program in (
            pairs_are_told_in_the_loss,
            states_are_kept,
            built_with_mistakes,
            fitted_on_pairs,
            explained_from_the_error,
            left_as_found,
            batches_are_followed,
            probed_while_followed,
        )
    },
}
LARGER = {
    "Tagger": probed("Tagger", DRAWN.integers(0, 20, (4, 9)).astype("int32")),
    "Reader": probed("Reader", floats(4, 9, 6)),
    "TwoInputs": probed("TwoInputs", floats(4, 4), floats(4, 5)),
    "backbone": backbone,
}
"""Left out on JAX, which compiles every operation anew for every shape."""


def told(programs):
    """What each of the programs tells, as it comes back from another process."""
    keras.utils.clear_session()
    return json.loads(json.dumps({name: program() for name, program in programs.items()}))


def loaded():
    return sorted({"tensorflow", "torch", "jax"} & set(sys.modules))


if __name__ == "__main__":
    own = keras.config.backend()
    imported, first = loaded(), told({"Perceptron": PROGRAMS["Perceptron"]})
    alone = {"imported": imported, "loaded": loaded()} | told({"costs": costs, "native": native})
    print(json.dumps(told(PROGRAMS | (LARGER if own != "jax" else {})) | alone))
