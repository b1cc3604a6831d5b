"""The user's own inputs: how they are read, how their axes are named, and what is said of those that cannot be used."""

from collections import UserDict, namedtuple

import numpy
import pytest
import torch
from small_models import taking
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from shapewidget.errors import InputError
from shapewidget.frameworks.torch.inputs import make_batch


def axes_of(model, *inputs, **options):
    """Names as one string a tensor: "B T _"."""
    return [" ".join(name or "_" for name in names) for names in make_batch(model, inputs, **options).axes]


ids = torch.ones(4, 7, dtype=torch.long)
floats = torch.randn


# -- how inputs are read


def test_tensor_is_the_only_positional_input():
    batch = make_batch(nn.Linear(3, 2), x := floats(5, 3))
    assert batch.args[0] is x
    assert (batch.kwargs, batch.axes, batch.origin) == ({}, (("B", ""),), "")


def test_tuple_is_positional_and_keeps_what_is_nested():
    x, h, c = floats(5, 6, 3), floats(1, 5, 2), floats(1, 5, 2)
    batch = make_batch(nn.LSTM(3, 2, batch_first=True), (x, (h, c)))
    assert batch.args[1][0] is h
    assert batch.axes == (("B", "T", ""), ("", "B", ""), ("", "B", ""))


@pytest.mark.parametrize("kind", [dict, UserDict])
def test_mapping_is_keywords(kind):
    batch = make_batch(taking("ids", "mask"), kind(mask=ids.bool(), ids=ids))
    assert batch.args == ()
    assert list(batch.kwargs) == ["mask", "ids"]
    assert batch.axes == (("B", "T"), ("B", "T"))


def test_list_is_one_argument():
    batch = make_batch(taking("images"), [floats(3, 8, 8), floats(3, 8, 8)])
    assert isinstance(batch.args[0], list)
    assert len(batch.axes) == 2


def test_named_tuple_in_a_tuple_keeps_its_type():
    pair = namedtuple("pair", "left right")(floats(4, 2), numpy.ones((4, 2)))
    assert type(make_batch(taking("pair"), (pair,)).args[0]) is type(pair)


def test_arrays_become_tensors_of_their_own_and_it_is_said():
    array = numpy.arange(12.0).reshape(4, 3)[::-1]
    batch = make_batch(nn.Linear(3, 2), array, targets={"label": numpy.ones(4, dtype="int64")})
    assert batch.args[0].dtype == torch.float64
    assert batch.args[0].tolist() == array.tolist()
    assert batch.targets["label"].dtype == torch.int64
    batch.args[0].zero_()
    assert array.any()
    assert "NumPy" in batch.origin


def test_arrays_go_to_the_device_of_the_model():
    batch = make_batch(nn.Linear(3, 2, device="meta"), numpy.ones((4, 3)))
    assert batch.args[0].device.type == "meta"


def test_numbers_among_tensors_are_kept():
    assert make_batch(taking("x", "steps", "flag"), (floats(4, 2), 3, None)).args[1:] == (3, None)


def test_packed_sequence_is_kept_and_has_no_named_axis():
    packed = pack_padded_sequence(floats(4, 7, 3), torch.tensor([7, 5, 5, 2]), batch_first=True)
    batch = make_batch(nn.LSTM(3, 2), packed)
    assert batch.args[0] is packed
    assert not any(any(names) for names in batch.axes)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_are_allowed(value):
    assert make_batch(nn.Linear(3, 2), torch.full((4, 3), value)).axes == (("B", ""),)


def test_other_dtype_than_the_weights_is_for_the_diagnosis_to_tell():
    assert make_batch(nn.Linear(3, 2), floats(4, 3, dtype=torch.float64)).args[0].dtype == torch.float64


def test_model_without_weights_takes_anything():
    assert make_batch(nn.ReLU(), floats(4, 3)).axes == (("B", ""),)


# -- names by default: the first input


@pytest.mark.parametrize(
    ("model", "first", "expected"),
    [
        (taking("x"), floats(4), "B"),
        (taking("x"), floats(4, 3), "B _"),
        (taking("x"), ids, "B T"),
        (taking("x"), torch.ones(4, 7, 9, dtype=torch.long), "B T _"),
        (taking("x"), floats(4, 7, 3), "B T _"),
        (taking("x"), floats(4, 3, 8, 9), "B _ H W"),
        (taking("x"), floats(4, 2, 7, 8, 9), "B _ D H W"),
        (taking("x"), floats(4, 2, 7, 8, 9, 5), "B _ _ _ _ _"),
        (taking("x"), torch.tensor(3.0), ""),
        (taking("adjacency"), floats(6, 6), "B B"),
        (nn.Sequential(nn.Linear(6, 2)), floats(6, 6), "B _"),
        (nn.Sequential(nn.Linear(3, 2)), floats(4, 8, 9, 3), "B H W _"),
        (nn.Sequential(nn.Flatten(), nn.Linear(72, 9), nn.Linear(9, 72)), floats(4, 1, 8, 9), "B _ H W"),
        (nn.Sequential(nn.Conv2d(5, 2, 3)), floats(4, 5, 8, 9), "B _ H W"),
        (taking("x", conv=nn.Conv2d(5, 2, 3)), floats(4, 8, 9, 5), "B H W _"),
        (taking("x", conv=nn.Conv2d(3, 2, 3)), floats(4, 1, 8, 9), "B _ H W"),
        (taking("x", conv=nn.Conv2d(3, 2, 3)), floats(4, 6, 3, 8, 9), "B T _ H W"),
        (nn.Sequential(nn.Conv1d(5, 2, 3)), floats(4, 5, 9), "B _ T"),
        (nn.Sequential(nn.Conv1d(5, 2, 3)), floats(4, 6, 9), "B _ T"),
        (taking("x", conv=nn.Conv1d(5, 2, 3)), floats(4, 9, 5), "B T _"),
        (nn.LSTM(3, 2), floats(7, 4, 3), "T B _"),
        (nn.LSTM(3, 2), floats(7, 3), "T _"),
        (nn.GRU(3, 2, batch_first=True), floats(4, 7, 3), "B T _"),
        (nn.TransformerEncoderLayer(4, 2), floats(7, 3, 4), "T B _"),
        (nn.TransformerEncoderLayer(4, 2, batch_first=True), floats(3, 7, 4), "B T _"),
        (taking("x", lstm=nn.LSTM(3, 2)), floats(7, 4, 3), "B T _"),
        (nn.Conv2d(3, 2, 3), floats(3, 8, 9), "_ H W"),
        (nn.Linear(3, 2), floats(3), "_"),
    ],
)
def test_first_input_is_named_by_its_kind_and_the_layers(model, first, expected):
    assert axes_of(model, first) == [expected]


# -- names by default: the other inputs and the targets


@pytest.mark.parametrize(
    ("first", "other", "expected"),
    [
        (ids, ids.bool(), "B T"),
        (ids, torch.ones(7, 7), "T T"),
        (ids, torch.ones(4, 1, 7, 7), "B _ T T"),
        (ids, torch.ones(1, 1, 7, 7), "_ _ T T"),
        (ids, torch.ones(4, 1, 1, 7), "B _ _ T"),
        (ids, torch.ones(1, 7, dtype=torch.long), "_ T"),
        (ids, torch.tensor([7, 5, 5, 2]), "B"),
        (ids, torch.ones(7), "T"),
        (ids, torch.tensor(0.5), ""),
        (ids, torch.ones(4, 5, dtype=torch.long), "B T2"),
        (ids, floats(4, 3), "B _"),
        (ids, floats(4, 3, 8, 9), "B _ H W"),
        (floats(4, 3, 8, 8), floats(4, 1, 8, 8), "B _ H W"),
        (floats(4, 3, 8, 8), floats(4, 1, 6, 6), "B _ H2 W2"),
        (floats(4, 6), torch.ones(4, 4), "B B"),
        (floats(4, 6), ids, "B T"),
        (torch.tensor(0.5), ids, "B T"),
        (ids, torch.ones(5, 3), "_ _"),
    ],
)
def test_other_input_is_read_against_the_first(first, other, expected):
    assert axes_of(taking("first", "other"), first, other)[1] == expected


def test_features_of_the_size_of_a_sequence_are_not_named_after_it():
    model = taking("ids", "features", linear=nn.Linear(7, 2))
    assert axes_of(model, ids, floats(4, 7))[1] == "B _"


def test_vector_with_one_entry_a_sample_tells_a_batch_on_the_second_axis():
    model = taking("x", "lengths", lstm=nn.LSTM(3, 2))
    assert axes_of(model, floats(7, 4, 3), torch.tensor([7, 5, 5, 2])) == ["T B _", "B"]
    assert axes_of(taking("x", lstm=nn.LSTM(3, 2)), floats(7, 4, 3), targets=torch.ones(4)) == ["T B _"]


def test_layer_that_is_batch_first_is_believed_before_the_labels():
    model = taking("x", lstm=nn.LSTM(3, 2, batch_first=True))
    assert axes_of(model, floats(7, 4, 3), targets=torch.ones(4)) == ["B T _"]


@pytest.mark.parametrize(
    ("inputs", "targets", "expected"),
    [
        (ids, ids, "B T"),
        (ids, torch.ones(4), "B"),
        (ids, torch.ones(28), "B·T"),
        (ids, torch.ones(4, 5, dtype=torch.long), "B _"),
        (ids, torch.ones(4, 7, 13), "B T _"),
        (floats(4, 3), torch.ones(4, 1), "B _"),
        (floats(4, 3, 8, 8), torch.ones(4, 8, 8), "B H W"),
        (floats(4, 3, 8, 9), torch.ones(4, 8, 9), "B H W"),
        (floats(4, 3, 8, 9), torch.ones(288), "B·H·W"),
    ],
)
def test_target_is_read_against_the_inputs(inputs, targets, expected):
    (names,) = make_batch(taking("x"), inputs, targets).target_axes
    assert " ".join(name or "_" for name in names) == expected


# -- names as the user gives them


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("T B F", "T B _"),
        ("b t f", "B T _"),
        ("batch time features", "B T _"),
        ("B T _", "B T _"),
        ("B nodes F", "B nodes _"),
        ("B T width_of_linear", "B T _"),
    ],
)
def test_given_axes_are_taken(given, expected):
    assert axes_of(taking("x", linear=nn.Linear(3, 2)), floats(4, 7, 3), axes=given) == [expected]


def test_given_axes_of_the_first_input_guide_the_others():
    assert axes_of(taking("x", "mask"), floats(7, 4, 3), torch.ones(7, 4), axes="T B F") == ["T B _", "T B"]


@pytest.mark.parametrize("axes", [("B T", "T T"), {"mask": "T T"}, (None, "T T")])
def test_axes_are_given_in_order_or_by_name(axes):
    assert axes_of(taking("ids", "mask"), ids, torch.ones(7, 7), axes=axes) == ["B T", "T T"]


def test_one_name_for_sequences_of_two_lengths_makes_two_symbols():
    assert axes_of(taking("source", "target"), ids, ids[:, :5], axes=("B T", "B T")) == ["B T", "B T2"]


# -- what cannot be used


@pytest.mark.parametrize(
    ("inputs", "options", "said"),
    [
        (floats(0, 3), {}, r"`x` has shape \(0, 3\): axis 0 is empty.*at least one sample"),
        (floats(4, 0), {}, r"shape \(4, 0\): axis 1 is empty"),
        (floats(4, 3), {"axes": "B T F"}, r"'B T F' names 3 axes, but `x` has shape \(4, 3\).*axes='B T'"),
        (floats(4, 3), {"axes": "B B"}, r"says 'B' twice.*sizes 3 and 4"),
        (floats(4, 3), {"axes": "B (h w)"}, r"names 3 axes"),
        (floats(4, 3), {"axes": "B (hw)"}, r"'\(hw\)', which is no name"),
        (floats(4, 3), {"axes": {"y": "B F"}}, r"names an input 'y', which there is not. The inputs are `x`"),
        (floats(4, 3), {"axes": ("B F", "B F")}, r"2 entries for 1 input tensors: `x`"),
        (floats(4, 3), {"axes": 2}, r"must be a string such as 'B T F', a tuple or a dict of them, got int"),
        (floats(4, 3), {"axes": (2,)}, r"axes of `x` must be a string.*got int: 2"),
        (3, {}, r"at least one tensor or NumPy array, got int.*torch.tensor"),
        ("text", {}, r"got str.*torch.tensor"),
        ([1, 2.0], {}, r"got list of float, int"),
        ({}, {}, r"got dict of nothing"),
        (range(3), {}, r"got range.*next\(iter\(x\)\)"),
        (numpy.array(["a"]), {}, r"NumPy array of dtype <U1 and shape \(1,\)"),
        ((floats(4, 3), floats(4, 3)), {}, r"`forward\(self, x\)` cannot be called.*too many positional"),
        ({"y": floats(4, 3)}, {}, r"missing a required argument: 'x'|unexpected keyword argument 'y'"),
        (floats(4, 3), {"loss": 3}, r"loss must be a function of \(outputs, targets\), got int"),
        (floats(4, 3), {"loss": nn.MSELoss()}, r"MSELoss compares.*no targets"),
        (None, {"targets": ids}, r"targets were given without the inputs"),
        (None, {"axes": "B T"}, r"axes were given without the inputs"),
    ],
)
def test_inputs_that_cannot_be_used_are_told(inputs, options, said):
    with pytest.raises(InputError, match=said):
        make_batch(taking("x"), inputs, **options)


@pytest.mark.parametrize(
    ("inputs", "step"), [([ids, ids], "give a tuple for several"), ({"a": ids, "b": ids}, r"\(inputs,\), if it is one")]
)
def test_inputs_in_the_wrong_container_are_told_which_is_right(inputs, step):
    with pytest.raises(InputError, match=step):
        make_batch(taking("ids", "mask"), inputs)


@pytest.mark.parametrize("options", [{}, {"targets": torch.ones(4, 2)}])
def test_tensor_on_another_device_is_told_with_both(options):
    x = floats(4, 3, device="meta" if options else "cpu")
    with pytest.raises(InputError, match=r"is on cpu, but the model is on meta. Move the tensor with .to\('meta'\)"):
        make_batch(nn.Linear(3, 2, device="meta"), x, **options)


def test_lengths_may_stay_on_the_cpu():
    model = taking("x", "lengths", linear=nn.Linear(3, 2, device="meta"))
    assert axes_of(model, floats(4, 7, 3, device="meta"), torch.tensor([7, 5, 5, 2]))[1] == "B"


def test_module_without_forward_is_told():
    with pytest.raises(InputError, match=r"ModuleDict has no forward.*one of the parts"):
        make_batch(nn.ModuleDict({"a": nn.Linear(3, 2)}), floats(4, 3))
