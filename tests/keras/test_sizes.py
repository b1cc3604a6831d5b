"""Models of Keras are built again at other sizes, and their axes are told in these sizes."""

import keras
import numpy as np
import pytest
from keras import layers

import shapewidget
from shapewidget.errors import RebuildError
from shapewidget.frameworks.keras.rebuild import find_constructor

IDS = np.arange(36).reshape(4, 9) % 20


class Tagger(keras.Model):
    def __init__(self, vocab, emb=8, hidden=6, tags=3):
        super().__init__()
        self.embed = layers.Embedding(vocab, emb)
        self.both = layers.Bidirectional(layers.LSTM(hidden, return_sequences=True))
        self.head = layers.Dense(tags)

    def call(self, ids):
        return self.head(self.both(self.embed(ids)))


class Configured(keras.Model):
    def __init__(self, encoder, units=4):
        super().__init__()
        self.encoder, self.units, self.head = encoder, units, layers.Dense(units * 2)

    def get_config(self):
        return super().get_config() | {"encoder": self.encoder, "units": self.units}

    def call(self, x):
        return self.head(self.encoder(x))


class Hidden(keras.Model):
    def __init__(self, sizes):
        super().__init__()
        self.head = layers.Dense(sum(size for size in sizes if size))

    def call(self, x):
        return self.head(x)


def tagger_of_layers():
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(20, 8),
            layers.Bidirectional(layers.LSTM(5, return_sequences=True)),
            layers.Dense(3),
        ]
    )


def shown(report):
    return {layer.name: str(layer.outputs[0]) for layer in report.graph.layers if layer.outputs}


@pytest.mark.parametrize("is_built", [True, False])
def test_arguments_of_a_class_are_read_off_the_model(is_built):
    model = Tagger(20, hidden=7, tags=4)
    if is_built:
        model(IDS)
    constructor = find_constructor(model)
    assert dict(constructor.arguments) == {"vocab": 20, "emb": 8, "hidden": 7, "tags": 4}
    assert constructor.hidden_argument() == "hidden"


def test_axes_of_a_class_are_told_in_its_arguments():
    found = shown(shapewidget.probe(Tagger(20, hidden=7, tags=4), IDS))
    assert found["embed"] == "(B, T, emb)"
    assert found["both"] == "(B, T, 2·hidden)"
    assert found["head"] == "(B, T, tags)"


def test_axes_of_a_model_of_layers_are_told_in_the_sizes_of_layers():
    report = shapewidget.probe(tagger_of_layers())
    assert [text for name, text in shown(report).items() if name.startswith("bidirectional")] == ["(B, T, 2·units)"]
    assert report.session.sizes == {"output_dim": 8, "units": 5, "B": 4, "T": 12}


def test_hidden_size_slider_moves_a_model_of_layers():
    report = shapewidget.probe(tagger_of_layers())
    assert [control.name for control in report.session.controls] == ["B", "T", "units"]
    moved = report.session.probe({"units": 11, "T": 5})
    assert moved.ok
    assert [layer.outputs[0].shape for layer in moved.graph.layers if layer.type == "Bidirectional"] == [(4, 5, 22)]


def test_layers_that_are_added_keep_one_size():
    x = keras.Input((6,))
    left, right = layers.Dense(8, name="left")(x), layers.Dense(8, name="right")(x)
    model = keras.Model(x, layers.Dense(2, name="head")(layers.Add(name="sum")([left, right])))
    found = shown(shapewidget.probe(model))
    assert (found["left"], found["right"], found["sum"], found["head"]) == ("(B, units)",) * 3 + ("(B, 2)",)


def test_sizes_of_several_layers_are_told_by_their_layer():
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(8, name="wide"), layers.Dense(5, name="low"), layers.Dense(2)]
    )
    assert find_constructor(model).size_arguments() == {"wide.units": 8, "low.units": 5}


def test_sizes_of_nested_models_are_found():
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(8), layers.Dense(4)])
    model = keras.Sequential([keras.Input((6,)), inner, layers.Dense(2, name="head")])
    constructor = find_constructor(model)
    sizes = constructor.size_arguments()
    made = constructor.build(**{next(iter(sizes)): 9})
    assert made.layers[0].layers[0].units == 9
    assert inner.layers[0].units == 8


def test_config_that_the_user_wrote_is_believed_and_its_layers_are_made_anew():
    model = Configured(layers.Dense(5), units=6)
    made = find_constructor(model).build(units=8)
    assert made.head.units == 16
    assert made.encoder is not model.encoder


def test_class_whose_arguments_cannot_be_found_says_so():
    with pytest.raises(
        RebuildError, match=r"Hidden cannot be built at other sizes: its argument 'sizes' .* Pass build="
    ):
        find_constructor(Hidden((3, 4)))


def test_build_function_gives_the_sizes_of_a_class_that_tells_none():
    constructor = find_constructor(Hidden((3, 4)), lambda hidden_size=4: Hidden((3, hidden_size)))
    assert constructor.size_arguments() == {"hidden_size": 4}


def test_build_function_that_gives_another_model_is_refused():
    with pytest.raises(RebuildError, match="a Dense of units = 8, where the model's is 7"):
        find_constructor(Hidden((3, 4)), lambda hidden_size=5: Hidden((3, hidden_size)))
