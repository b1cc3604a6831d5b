"""Labels of a captured loop are a node of its graph, whatever way they take to the loss."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import shapewidget
from shapewidget.graph.records import Agreement, LayerKind

ROWS = torch.randn(7, 4)


def captured(run):
    with shapewidget.capture(reraise=False) as report:
        run()
    graph = report.graph
    return graph, [layer for layer in graph.layers if layer.kind is LayerKind.INPUT and layer.name == "targets"]


def edge_of(graph, labels):
    (edge,) = graph.out_of(labels.id)
    return edge


def trained(loss, labels, width):
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, width))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss(model(ROWS), labels).backward()
        optimizer.step()


def test_labels_that_a_loader_gives_are_joined_to_the_loss():
    model, loss = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)), nn.CrossEntropyLoss()
    data = TensorDataset(torch.randn(21, 4), torch.arange(21) % 3)

    def run():
        for rows, classes in DataLoader(data, batch_size=7):
            loss(model(rows), classes).backward()

    graph, (labels,) = captured(run)
    edge = edge_of(graph, labels)
    assert (edge.target, edge.input, edge.state) == ("CrossEntropyLoss", 1, Agreement.AGREE)
    assert (labels.outputs[0].shape, labels.outputs[0].dtype) == ((7,), "int64")


def test_labels_of_two_losses_that_change_them_first_are_one_node():
    def loss(outputs, labels):
        whole = labels.float()
        return F.binary_cross_entropy_with_logits(outputs, whole[:, None]) + F.mse_loss(outputs.squeeze(1), whole)

    classes = torch.arange(7) % 2
    graph, (labels,) = captured(lambda: trained(loss, classes, 1))
    assert edge_of(graph, labels).target == "float"
    assert labels.outputs[0].dtype == "int64"


def first_column(outputs, labels):
    return F.mse_loss(outputs[:, :1], labels)


@pytest.mark.parametrize(
    ("loss", "labels", "state"),
    [
        (nn.CrossEntropyLoss(), torch.arange(9) % 3, Agreement.MISMATCH),
        (nn.BCEWithLogitsLoss(), torch.ones(7, 1), Agreement.MISMATCH),
        (first_column, torch.ones(7), Agreement.COINCIDENCE),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_labels_that_do_not_fit_colour_the_loss(loss, labels, state):
    graph, (node,) = captured(lambda: trained(loss, labels, 3))
    states = {edge.state for edge in graph.into(edge_of(graph, node).target)}
    assert state in states


def test_labels_of_a_gradient_tape_are_a_node_too():
    model = keras.Sequential([keras.layers.Dense(3, activation="softmax")])
    loss = keras.losses.SparseCategoricalCrossentropy()

    def run():
        with tf.GradientTape() as tape:
            value = loss(np.arange(7) % 3, model(np.ones((7, 4), "float32"), training=True))
        tape.gradient(value, model.trainable_variables)

    graph, (labels,) = captured(run)
    assert graph.by_id[edge_of(graph, labels).target].kind is LayerKind.LOSS


def test_loss_that_compares_two_outputs_of_models_has_no_labels():
    one, other = nn.Linear(4, 5), nn.Linear(4, 5)
    _, labels = captured(lambda: F.mse_loss(one(torch.ones(7, 4)), other(torch.ones(7, 4))))
    assert not labels
