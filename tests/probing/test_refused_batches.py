"""Short last batches that a model refuses: the code is mended where it can be, so that no sample is left out."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import shapewidget

ROWS = TensorDataset(torch.randn(29, 5, 3), torch.randn(29, 4))
BATCHES = DataLoader(ROWS, batch_size=6)


class StateOfSix(nn.Module):
    """Steps through time by itself; without its state it would know one step alone."""

    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(3, 4)

    def forward(self, x):
        state = torch.zeros(6, 4)
        for step in range(x.size(1)):
            state = self.cell(x[:, step], state)
        return state


class StepsInFront(StateOfSix):
    def forward(self, x):
        steps, state = x.transpose(0, 1), torch.zeros(6, 4)
        for step in range(len(steps)):
            state = self.cell(steps[step], state)
        return state


class RowsOfSix(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(15, 4)

    def forward(self, x):
        return self.head(x.reshape(6, -1))


class FunctionOfSix(RowsOfSix):
    def forward(self, x):
        return self.head(torch.reshape(x, (6, 15)))


class WeightsOfSix(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 4)

    def forward(self, x):
        return self.head((x * torch.linspace(0, 1, 5).repeat(6, 1)[..., None]).sum(1))


class RowByRow(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 4)

    def forward(self, x):
        return torch.stack([self.head(x[row]).mean(0) for row in range(6)])


MENDED = {
    StateOfSix: "state = torch.zeros(x.size(0), 4)",
    RowsOfSix: "return self.head(x.flatten(1))",
    FunctionOfSix: "return self.head(torch.reshape(x, (-1, 15)))",
    WeightsOfSix: "[:x.size(0)]",
}


def serious(report):
    return [finding for finding in report.findings if finding.severity != "note"]


@pytest.mark.parametrize(("kind", "fix"), MENDED.items())
def test_code_that_counts_on_full_batches_is_mended_before_samples_are_left_out(kind, fix):
    (found,) = serious(shapewidget.check_loader(BATCHES, model=kind(), loss=nn.MSELoss()))
    assert (found.code, found.verified) == ("SW702", True)
    assert fix in found.fix
    assert found.patch is not None
    assert "drop_last=True would leave samples out" in found.reason


def test_batch_size_in_the_code_is_told_once_of_a_model_and_its_loader():
    (found,) = serious(shapewidget.probe(RowsOfSix(), loader=BATCHES, loss=nn.MSELoss()))
    assert (found.code, found.fix) == ("SW702", "return self.head(x.flatten(1))")


@pytest.mark.parametrize("kind", [StepsInFront, RowByRow])
def test_code_that_no_change_mends_leaves_the_short_batch_out(kind):
    found = serious(shapewidget.check_loader(BATCHES, model=kind(), loss=nn.MSELoss()))[0]
    assert (found.code, found.verified, found.patch) == ("SW702", True, None)
    assert found.fix.startswith("drop_last=True")


class Remembers(nn.Module):
    """Goes on from the state of the last batch; to forget it would let every batch through."""

    def __init__(self):
        super().__init__()
        self.cell, self.state = nn.GRU(3, 4, batch_first=True), None

    def forward(self, x):
        out, state = self.cell(x, self.state)
        self.state = state.detach()
        return out[:, -1]


def trained(model):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with shapewidget.capture(reraise=False) as report:
        for x, y in BATCHES:
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
    return serious(report)[0]


@pytest.mark.parametrize(
    ("kind", "fix"),
    [
        (StateOfSix, MENDED[StateOfSix]),
        (RowsOfSix, MENDED[RowsOfSix]),
        (WeightsOfSix, MENDED[WeightsOfSix]),
        (Remembers, "drop_last=True in the loader"),
    ],
)
def test_fix_for_the_last_batch_of_a_loop_leaves_the_full_ones_as_they_are(kind, fix):
    found = trained(kind())
    assert fix in found.fix
    assert found.verified
    assert "Batch 4 is the last of the pass and has 5 samples; the batches before it had 6, and ran" in found.reason


X, Y = np.random.rand(29, 5, 3).astype("float32"), np.random.rand(29, 4).astype("float32")
DATASET = tf.data.Dataset.from_tensor_slices((X, Y)).batch(6)


class KerasRows(keras.Model):
    def __init__(self):
        super().__init__()
        self.head = keras.layers.Dense(4)

    def call(self, x):
        return self.head(tf.reshape(x, (6, 15)))


class KerasOpenRows(KerasRows):
    def call(self, x):
        return self.head(keras.ops.reshape(x, (6, -1)))


class KerasColumns(KerasRows):
    def call(self, x):
        return self.head(tf.concat([x[:, 0], tf.ones((6, 2))], axis=1))


MENDED_IN_KERAS = {
    KerasRows: "tf.reshape(x, (-1, 15))",
    KerasOpenRows: "keras.ops.reshape(x, (keras.ops.shape(x)[0], -1))",
    KerasColumns: "tf.ones((6, 2))[:x[:, 0].shape[0]]",
}


@pytest.mark.parametrize(("kind", "fix"), MENDED_IN_KERAS.items())
def test_code_of_keras_is_mended_before_samples_are_left_out(kind, fix):
    model = kind()
    model(X[:6])
    (found,) = serious(shapewidget.check_loader(DATASET, model=model, loss=keras.losses.MeanSquaredError()))
    assert (found.code, found.verified) == ("SW702", True)
    assert fix in found.fix


@pytest.mark.parametrize(("kind", "fix"), MENDED_IN_KERAS.items())
def test_fix_for_the_last_batch_of_a_fit_holds_for_the_full_ones(kind, fix):
    model = kind()
    model.compile("sgd", "mse")
    with shapewidget.capture(reraise=False) as report:
        model.fit(DATASET, shuffle=False, verbose=0)
    found = serious(report)[0]
    assert fix in found.fix
    assert found.verified
    assert "the batches before it had 6, and ran" in found.reason
