"""Every loss of Keras on what it takes, and on mistakes that can be made with it, each found or taken on purpose."""

import keras
import numpy as np
import pytest
from keras import layers, losses

import shapewidget
from shapewidget.diagnosis.findings import Severity

ROWS = np.random.default_rng(0).normal(size=(12, 8)).astype("float32")
IDS = np.arange(12) % 5
HOT = np.eye(5, dtype="float32")[IDS]
YES = (np.arange(12) % 2).astype("float32")[:, None]
NUMBERS = ROWS[:, :1] * 3
COUNTS = np.abs(NUMBERS)

UNITS = {"sigmoid of one": (1, "sigmoid"), "signs": (1, "tanh"), "number": (1, None), "above zero": (1, "softplus"),
         "classes": (5, "softmax"), "scores": (5, None), "sets": (5, "sigmoid")}  # fmt: skip

RIGHT = {
    losses.BinaryCrossentropy: ("sigmoid of one", YES),
    losses.BinaryFocalCrossentropy: ("sigmoid of one", YES),
    losses.CategoricalCrossentropy: ("classes", HOT),
    losses.CategoricalFocalCrossentropy: ("classes", HOT),
    losses.CategoricalGeneralizedCrossEntropy: ("classes", IDS),
    losses.CategoricalHinge: ("scores", HOT),
    losses.SparseCategoricalCrossentropy: ("classes", IDS),
    losses.KLDivergence: ("classes", HOT * 0.9 + 0.02),
    losses.Hinge: ("signs", YES * 2 - 1),
    losses.SquaredHinge: ("signs", YES * 2 - 1),
    losses.Huber: ("number", NUMBERS),
    losses.LogCosh: ("number", NUMBERS),
    losses.MeanAbsoluteError: ("number", NUMBERS),
    losses.MeanSquaredError: ("number", NUMBERS),
    losses.MeanAbsolutePercentageError: ("number", COUNTS + 1),
    losses.MeanSquaredLogarithmicError: ("above zero", COUNTS),
    losses.Poisson: ("above zero", COUNTS),
    losses.CosineSimilarity: ("scores", HOT),
    losses.Dice: ("sets", HOT),
    losses.Tversky: ("sets", HOT),
    losses.Circle: ("scores", IDS),
}
OF_IDS = (losses.CategoricalGeneralizedCrossEntropy, losses.SparseCategoricalCrossentropy, losses.Circle)
OF_ROWS = [kind for kind, (form, _) in RIGHT.items() if UNITS[form][0] == 5 and kind not in OF_IDS]
OF_ONE = [kind for kind, (form, _) in RIGHT.items() if UNITS[form][0] == 1]
OF_PROBABILITIES = [kind for kind in RIGHT if kind.__name__.lower().endswith("crossentropy")]
OF_PROBABILITIES += [losses.KLDivergence, losses.Dice, losses.Tversky]


def found(kind, targets, units=None, activation="as it is", **options):
    form, _ = RIGHT[kind]
    width, own = UNITS[form]
    last = layers.Dense(units or width, activation=own if activation == "as it is" else activation, name="last")
    model = keras.Sequential([keras.Input((8,)), last])
    report = shapewidget.probe(model, ROWS, targets=targets, loss=kind(**options))
    return [(each.code, each.verified) for each in report.findings if each.severity is not Severity.NOTE]


def codes(*arguments, **options):
    return [code for code, _ in found(*arguments, **options)]


def test_table_has_every_loss_that_compares_outputs_with_targets():
    every = {value for value in vars(losses).values() if isinstance(value, type)} - {losses.Loss}
    assert {*RIGHT, losses.CTC} == every


LABELS = 1 + np.arange(30).reshape(6, 5) % 6


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
@pytest.mark.parametrize("labels", [LABELS, np.where(np.arange(5) < 3, LABELS, 0)], ids=["full", "padded"])
def test_labels_of_ctc_raise_no_alarm(labels, reduction):
    assert found_of_ctc(labels, reduction=reduction) == []


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (LABELS[:5], ("SW301", 0, 6, 5)),
        (np.concatenate([LABELS] * 3), ("SW301", 0, 6, 18)),
        (LABELS[:, 0], ("SW301", None, 2, 1)),
        (np.eye(7)[LABELS], ("SW301", None, 2, 3)),
        (LABELS + 3, ("SW310", None, "classes 0 to 6", "class 9")),
        (LABELS - 3, ("SW310", None, "classes 0 to 6", "class -2")),
        (LABELS + 0.5, ("SW310", None, "whole numbers", "1.5 to 6.5")),
        (np.tile(LABELS, 4), ("SW310", None, "at most 15 labels long, one a step", "20 labels")),
    ],
)
def test_labels_that_ctc_cannot_align_are_found(labels, expected):
    assert found_of_ctc(labels)[:1] == [expected]


def test_outputs_of_ctc_without_steps_are_found():
    pooled = [layers.GlobalAveragePooling1D(), layers.Dense(7)]
    assert found_of_ctc(LABELS, pooled) == [("SW301", None, 3, 2)]


def found_of_ctc(labels, last=None, **options):
    steps = np.random.default_rng(0).normal(size=(6, 15, 4)).astype("float32")
    model = keras.Sequential([keras.Input((15, 4)), *(last or [layers.Dense(7)])])
    report = shapewidget.probe(model, steps, targets=labels, loss=losses.CTC(**options))
    return [(each.code, each.axis, each.expected, each.got) for each in report.findings]


@pytest.mark.parametrize("kind", RIGHT)
def test_right_targets_in_every_form_that_keras_takes_raise_no_alarm(kind):
    targets = RIGHT[kind][1]
    assert codes(kind, targets) == []
    assert codes(kind, targets, reduction="sum") == []
    assert codes(kind, targets[:, 0] if kind in OF_ONE else targets[..., None]) == []
    if kind in (losses.Hinge, losses.SquaredHinge):
        assert codes(kind, YES) == []


@pytest.mark.parametrize("kind", RIGHT)
def test_targets_of_another_batch_are_found(kind):
    assert codes(kind, RIGHT[kind][1][:10])[:1] == ["SW301"]


@pytest.mark.parametrize("kind", OF_ONE)
def test_one_target_for_each_row_with_an_axis_or_with_outputs_too_many_is_found_and_mended(kind):
    targets = RIGHT[kind][1]
    assert found(kind, targets[..., None])[:1] == [("SW305", True)]
    assert found(kind, targets, units=3)[0] in [("SW305", True), ("SW301", True)]


@pytest.mark.parametrize("kind", OF_ROWS)
def test_class_numbers_or_too_few_classes_for_rows_of_them_are_found_and_mended(kind):
    assert found(kind, IDS)[:1] == [("SW301", True)]
    assert codes(kind, RIGHT[kind][1][:, :4])[:1] == ["SW301"]


@pytest.mark.parametrize("kind", OF_IDS)
def test_rows_or_fractions_in_the_place_of_class_numbers_are_found(kind):
    assert codes(kind, HOT)[:1] == ["SW301"]
    assert codes(kind, IDS + 0.5)[:1] == ["SW310"]


@pytest.mark.parametrize("kind", OF_IDS[:2])
@pytest.mark.parametrize("shift", [1, -1])
def test_class_numbers_that_there_are_no_outputs_for_are_found(kind, shift):
    assert codes(kind, IDS + shift)[:1] == ["SW402" if kind is losses.SparseCategoricalCrossentropy else "SW310"]


@pytest.mark.parametrize("kind", OF_PROBABILITIES)
def test_scores_in_the_place_of_probabilities_are_found_and_mended(kind):
    assert found(kind, RIGHT[kind][1], activation=None)[:1] == [("SW310", True)]


def test_numbers_below_zero_in_the_place_of_rates_are_found_and_mended():
    assert found(losses.Poisson, COUNTS, activation=None) == [("SW310", True)]


@pytest.mark.parametrize("kind", [kind for kind in OF_PROBABILITIES if kind not in OF_IDS] + [losses.CategoricalHinge])
@pytest.mark.parametrize("change", [lambda targets: targets * 2, lambda targets: -targets - 1])
def test_targets_that_are_no_shares_are_found(kind, change):
    assert codes(kind, change(RIGHT[kind][1]))[:1] == ["SW310"]


@pytest.mark.parametrize(
    ("kind", "targets"),
    [
        (losses.Hinge, YES * 2),
        (losses.SquaredHinge, YES * 3 - 1),
        (losses.Poisson, -COUNTS - 1),
        (losses.MeanSquaredLogarithmicError, -COUNTS - 1),
    ],
)
def test_targets_that_are_no_signs_or_no_counts_are_found(kind, targets):
    assert codes(kind, targets) == ["SW310"]


def test_scores_that_a_loss_is_told_of_raise_no_alarm():
    kinds = [kind for kind in OF_PROBABILITIES if "rossentropy" in kind.__name__]
    for kind in kinds:
        assert codes(kind, RIGHT[kind][1], activation=None, from_logits=True) == []
