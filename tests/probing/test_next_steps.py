"""Ids and the ids one step on: the labels of a language model say along which axis its steps lie."""

import pytest
import torch
from torch import nn

import shapewidget

VOCABULARY, STEPS, SAMPLES = 50, 12, 5


class LanguageModel(nn.Module):
    def __init__(self, batch_first):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 16)
        self.states = nn.LSTM(16, 24, batch_first=batch_first)
        self.word = nn.Linear(24, VOCABULARY)

    def forward(self, ids):
        return self.word(self.states(self.embedding(ids))[0])


def word_loss(logits, labels):
    return nn.functional.cross_entropy(logits.reshape(-1, VOCABULARY), labels.reshape(-1), ignore_index=-100)


def batch(axis):
    """Ids and labels whose steps lie along that axis."""
    text = torch.randint(VOCABULARY, (STEPS + 1, SAMPLES), generator=torch.Generator().manual_seed(3))
    ids, labels = text[:-1], text[1:].clone()
    return (ids, labels) if axis == 0 else (ids.T, labels.T)


def codes(model, ids, labels):
    return [each.code for each in shapewidget.probe(model, ids, targets=labels, loss=word_loss).findings]


def test_a_model_that_is_time_major_throughout_is_right():
    assert codes(LanguageModel(batch_first=False), *batch(axis=0)) == []


@pytest.mark.parametrize("shape", [(-1,), (STEPS, SAMPLES)], ids=["in a row", "like the ids"])
def test_labels_may_be_in_a_row_and_padded(shape):
    ids, labels = batch(axis=0)
    labels[-4:, 2] = -100
    assert codes(LanguageModel(batch_first=False), ids, labels.reshape(shape)) == []


def test_a_layer_that_takes_the_samples_for_steps_is_found():
    assert codes(LanguageModel(batch_first=False), *batch(axis=1)) == ["SW503"]


def test_a_layer_that_takes_the_steps_for_samples_is_found():
    assert codes(LanguageModel(batch_first=True), *batch(axis=0)) == ["SW503"]


def test_the_axes_have_their_names():
    ids, labels = batch(axis=0)
    report = shapewidget.probe(LanguageModel(batch_first=False), ids, targets=labels, loss=word_loss)
    assert report.graph.sizes == {"T": STEPS, "B": SAMPLES}
