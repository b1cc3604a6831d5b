"""The operations of a step are counted, and its memory is predicted, as an estimate."""

import keras
import numpy as np
import pytest
from keras import layers

import shapewidget
from shapewidget.frameworks.adapter import Effort
from shapewidget.frameworks.keras.adapter import KerasAdapter
from shapewidget.frameworks.slices import finished


def counted(model, inputs, *, training):
    adapter = KerasAdapter()
    batch = adapter.batch(model, inputs, None, None, None)
    options = {"loss": None, "optimizer": None, "sizes": {"B": len(inputs)}, "effort": Effort.USUAL}
    return finished(adapter.measure(model, batch, training=training, **options)).flops


@pytest.mark.parametrize(
    ("parts", "shape", "flops"),
    [
        ([layers.Dense(7)], (4, 5), 2 * 4 * 5 * 7),
        ([layers.Dense(7)], (4, 3, 5), 2 * 4 * 3 * 5 * 7),
        ([layers.Conv2D(6, 3)], (2, 8, 8, 4), 2 * (2 * 6 * 6 * 6) * 3 * 3 * 4),
        ([layers.Conv1D(6, 3)], (2, 8, 4), 2 * (2 * 6 * 6) * 3 * 4),
        ([layers.Conv3D(2, 2)], (1, 4, 4, 4, 3), 2 * (27 * 2) * 8 * 3),
        ([layers.DepthwiseConv2D(3)], (2, 8, 8, 4), 2 * (2 * 6 * 6 * 4) * 3 * 3),
        ([layers.Conv2DTranspose(6, 3)], (2, 8, 8, 4), 2 * (2 * 8 * 8 * 4) * 3 * 3 * 6),
        ([layers.LSTM(8)], (4, 6, 5), (6 + 1) * 2 * 4 * 4 * 8 * (5 + 8)),  # Keras runs one step more, for its shapes
        ([layers.EinsumDense("abc,cd->abd", (None, 7))], (4, 3, 5), 2 * 4 * 3 * 5 * 7),
    ],
)
def test_operations_of_a_forward_pass_are_counted(parts, shape, flops):
    model = keras.Sequential([layers.Input(shape[1:]), *parts])
    assert counted(model, np.ones(shape, "float32"), training=False) == flops


def test_a_training_step_counts_its_backward_pass():
    model = keras.Sequential([layers.Input((5,)), layers.Dense(7), layers.Dense(3)])
    forward, of_weights, of_inputs = 2 * 4 * (5 * 7 + 7 * 3), 2 * 4 * (5 * 7 + 7 * 3), 2 * 4 * 7 * 3
    assert counted(model, np.ones((4, 5), "float32"), training=True) == forward + of_weights + of_inputs


def test_memory_at_other_sizes_is_predicted_as_an_estimate():
    model = keras.Sequential([layers.Input((None, 8)), layers.LSTM(16, return_sequences=True), layers.Dense(4)])
    costs = shapewidget.probe(model, np.ones((4, 16, 8), "float32")).session.costs
    costs.measure({})
    finished(costs.learning())
    predicted = costs.predict({"B": 12, "T": 40})
    measured = costs.measure({"B": 12, "T": 40}, Effort.BYTES).memory
    assert predicted.memory.is_estimate
    assert predicted.peak.value == pytest.approx(measured.peak, rel=0.08)
    for part in ("parameters", "gradients", "optimizer_state", "activations", "inputs"):
        assert getattr(predicted.memory, part) == pytest.approx(getattr(measured, part), rel=0.08)
