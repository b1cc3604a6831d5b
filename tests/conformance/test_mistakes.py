"""The same mistake, written in PyTorch and in Keras, is found in the same layer, on the same axis."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import pytest
from conformance import wrong_in_keras, wrong_in_torch
from conformance.test_conformance import edges, findings, floats, probed, word

SEQUENCE, ROWS = (floats(4, 9, 6),), (floats(4, 6),)
MISTAKES = {
    "SoftmaxOverKeys": (SEQUENCE, ["SW608"]),
    "SoftmaxOverBatch": (ROWS, ["SW603"]),
    "KeyNotTurned": (SEQUENCE, ["SW203"]),
    "LastOfBatch": (SEQUENCE, ["SW610"]),
    "JoinedBatches": ((floats(4, 4), floats(4, 5)), ["SW101"]),
    "OtherWidth": (ROWS, ["SW201"]),
    "OtherCode": (ROWS, ["SW101"]),
    "HeadsNotTurned": (SEQUENCE, ["SW601"]),
    "NotTurnedBack": (SEQUENCE, ["SW601"]),
    "Standardised": (ROWS, ["SW603"]),
}


def clashing(report):
    """The edges that are drawn in red or yellow into the layer that is named: PyTorch models run on behind it."""
    named = {word(found.layer_id) for found in report.findings}
    return {edge for edge in edges(report) if edge[-1] != "agree" and edge[1] in named}


def told(report):
    """Which sizes were expected, and which came; an axis has another name in each framework."""
    return [[str(text).replace("axis=", "dim=") for text in (found.expected, found.got)] for found in report.findings]


@pytest.mark.parametrize("name", MISTAKES)
def test_frameworks_find_the_same_mistake(name):
    inputs, codes = MISTAKES[name]
    ours, theirs = (probed(framework, name, inputs) for framework in (wrong_in_keras, wrong_in_torch))
    assert [found.code for found in ours.findings] == codes
    assert findings(ours) == findings(theirs)
    assert told(ours) == told(theirs)
    assert clashing(ours) == clashing(theirs)


def test_frameworks_find_a_pooling_that_is_missing():
    pictures = floats(4, 3, 8, 8)
    theirs = probed(wrong_in_torch, "OnePooling", (pictures,))
    ours = probed(wrong_in_keras, "OnePooling", (pictures.transpose(0, 2, 3, 1),))
    assert findings(ours) == findings(theirs)
    assert told(ours) == told(theirs)
    assert clashing(ours) == clashing(theirs) == {("flat", "head", 0, 0, "mismatch")}


def test_findings_name_an_axis_as_their_framework_does():
    ours, theirs = (probed(framework, "SoftmaxOverBatch", ROWS) for framework in (wrong_in_keras, wrong_in_torch))
    assert ours.findings[0].got.startswith("axis=0")
    assert theirs.findings[0].got.startswith("dim=0")
