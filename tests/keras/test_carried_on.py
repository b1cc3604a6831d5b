"""A probe goes on past what a layer refuses: all mistakes of a subclassed model are told in one run."""

import keras
import numpy as np
import pytest
from keras import layers

import shapewidget


class SixMistakes(keras.Model):
    def __init__(self):
        super().__init__()
        self.embed = layers.Embedding(100, 32)
        self.states = layers.LSTM(24)
        self.again = layers.LSTM(16)
        self.wide = layers.Conv1D(16, 9)
        self.left, self.right = layers.Dense(6), layers.Dense(5)
        self.sum = layers.Add()
        self.joined = layers.Concatenate(axis=1)
        self.cut = layers.Reshape((5, 5))
        self.pool = layers.GlobalAveragePooling2D()
        self.flat = layers.Flatten()

    def call(self, ids):
        words = self.embed(ids)
        last = self.again(self.states(words))
        seen = self.wide(words)
        total = self.sum([self.left(last), self.right(last)])
        both = self.joined([words, seen])
        square = self.cut(total)
        return self.pool(self.flat(both)), square


MISTAKES = {
    ("SW112", "states"): "self.states(words)",
    ("SW117", "wide"): "self.wide(words)",
    ("SW201", "sum"): "self.sum([self.left(last), self.right(last)])",
    ("SW202", "joined"): "self.joined([words, seen])",
    ("SW204", "cut"): "self.cut(total)",
    ("SW110", "pool"): "self.pool(self.flat(both))",
}


def ids():
    return np.random.default_rng(0).integers(0, 100, (4, 7))


def test_six_mistakes_of_a_subclassed_model_are_told_in_one_run():
    report = shapewidget.probe(SixMistakes(), ids())
    called = {each.id: each.source.expression for each in report.graph.layers if each.source is not None}
    found = {(each.code, each.layer_id): called[each.layer_id] for each in report.findings}
    assert found == MISTAKES
    assert all(each.source is not None and each.source.line for each in report.findings)
    assert report.stopped is None
    assert [each.shape for each in report.graph.layers[-1].inputs] == [(4, 256), (4, 5, 5)]


class MistakesBetweenLayers(keras.Model):
    def __init__(self):
        super().__init__()
        self.embed = layers.Embedding(100, 32)
        self.wide, self.narrow = layers.Dense(24), layers.Dense(20)
        self.head = layers.Dense(3)

    def call(self, ids):
        words = self.embed(ids)
        wide, narrow = self.wide(words), self.narrow(words)
        total = wide + narrow
        scores = keras.ops.matmul(wide, keras.ops.transpose(narrow, (0, 2, 1)))
        joined = keras.ops.concatenate([total[:, 1:], narrow], axis=-1)
        rows = keras.ops.reshape(joined, (-1, 5 * 44))
        return self.head(rows), scores


BETWEEN_LAYERS = {
    ("SW201", "add"): "wide + narrow",
    ("SW202", "concat"): "keras.ops.concatenate([total[:, 1:], narrow], axis=-1)",
    ("SW204", "reshape"): "keras.ops.reshape(joined, (-1, 5 * 44))",
}


def test_operations_between_layers_that_are_refused_are_told_in_one_run():
    """The product is refused too: building `narrow` as wide as `wide` mends both it and the sum."""
    report = shapewidget.probe(MistakesBetweenLayers(), ids())
    called = {each.id: each.source.expression for each in report.graph.layers if each.source is not None}
    assert {(each.code, each.layer_id): called[each.layer_id] for each in report.findings} == BETWEEN_LAYERS
    assert report.stopped is None
    refused = {each.source for each in report.graph.edges if each.target == "matmul" and each.state == "mismatch"}
    assert refused


def test_what_a_model_raises_by_itself_still_ends_its_run():
    class Raising(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = layers.Conv1D(4, 3), layers.Dense(2)

        def call(self, inputs):
            self.first(inputs)
            raise RuntimeError("nothing to give")

    report = shapewidget.probe(Raising(), np.ones((4, 7), "float32"))
    assert "nothing to give" in report.stopped
    assert "SW110" in [each.code for each in report.findings]


@pytest.mark.parametrize("use", ["capture", "plain"])
@pytest.mark.parametrize(
    ("made", "error"), [(SixMistakes, "expected ndim=3"), (MistakesBetweenLayers, "Incompatible shapes")]
)
def test_a_model_outside_of_a_probe_raises_what_it_raises(use, made, error):
    model = made()
    if use == "plain":
        shapewidget.probe(model, ids())
        with pytest.raises(Exception, match=error):
            model(ids())
        return
    with pytest.raises(Exception, match=error), shapewidget.capture():
        model(ids())


def test_numbers_that_go_on_keep_their_kind_and_range():
    seen = []

    class Words(keras.Model):
        def __init__(self):
            super().__init__()
            self.cut = layers.Reshape((3,))

        def call(self, numbers):
            cut = self.cut(numbers)
            seen.append(keras.ops.convert_to_numpy(cut))
            return cut

    numbers = np.array([[7, 9], [8, 7]], "int32")
    report = shapewidget.probe(Words(), numbers)
    assert [each.code for each in report.findings] == ["SW204"]
    assert all(each.dtype.kind == "i" and set(each.flat) <= {7, 8, 9} for each in seen)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.Conv1D, (4, 20, 3, 1)),
        (layers.Conv2D, (4, 20, 20, 3, 1)),
        (layers.SeparableConv2D, (4, 20, 20, 3, 1)),
        (layers.Conv2DTranspose, (4, 20, 20, 3, 1)),
    ],
)
def test_axis_too_many_before_a_convolution_that_was_never_built_is_told_with_a_fix(layer, shape):
    model = keras.Sequential([layer(4, 3, name="slides"), layers.Flatten(), layers.Dense(2)])
    found = shapewidget.probe(model, np.zeros(shape, "float32")).findings[0]
    assert (found.layer, found.expected, found.got) == ("slides", len(shape) - 1, len(shape))
    assert found.verified


def test_convolution_of_the_axes_that_it_is_made_for_is_clean():
    model = keras.Sequential([layers.Conv2D(4, 3), layers.SeparableConv2D(4, 3), layers.Flatten(), layers.Dense(2)])
    assert shapewidget.probe(model, np.zeros((4, 20, 20, 3), "float32")).ok
