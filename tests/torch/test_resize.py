"""A batch at other sizes stays one that the model takes: the user's own samples, legal values, lengths that fit."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_models import model_of, taking
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from shapewidget.errors import InputError
from shapewidget.frameworks.torch.inputs import make_batch
from shapewidget.frameworks.torch.resize import batch_sizes, resized


def at(model, inputs, sizes, **options):
    """The inputs at other sizes."""
    return resized(model, make_batch(model, inputs, **options), sizes)


def test_batch_sizes_are_those_of_the_named_axes():
    batch = make_batch(taking("ids", "mask"), (torch.ones(4, 7).long(), torch.ones(7, 7)), torch.ones(28))
    assert batch_sizes(batch) == {"B": 4, "T": 7}


def test_smaller_batch_is_a_crop():
    x = torch.arange(28).view(4, 7)
    assert at(taking("x"), x, {"B": 2, "T": 3}).args[0].equal(x[:2, :3])


def test_longer_sequences_repeat_their_own_steps():
    x = torch.arange(6).view(2, 3)
    assert at(taking("x"), x, {"T": 7}).args[0].tolist() == [[0, 1, 2, 0, 1, 2, 0], [3, 4, 5, 3, 4, 5, 3]]


def test_larger_batch_has_no_two_equal_rows():
    x = torch.arange(12).view(2, 6)
    rows = at(taking("x"), x, {"B": 9}).args[0].tolist()
    assert len({tuple(row) for row in rows}) == 9
    assert rows[:2] == x.tolist()
    assert {value for row in rows for value in row} == set(range(12))


@given(
    batch=st.integers(1, 20), length=st.integers(1, 20), dtype=st.sampled_from([torch.int64, torch.float32, torch.bool])
)
def test_values_at_any_size_are_values_of_the_user(batch, length, dtype):
    x = torch.arange(12).view(3, 4).to(dtype)
    result = at(taking("x"), x, {"B": batch, "T": length}, axes="B T").args[0]
    assert (tuple(result.shape), result.dtype) == ((batch, length), dtype)
    assert set(result.unique().tolist()) <= set(x.unique().tolist())


def test_every_input_and_target_moves_together():
    model = taking("x", "mask", "state", lstm=nn.LSTM(3, 2, batch_first=True))
    inputs = (torch.ones(4, 7, 3), torch.ones(4, 1, 7, 7), torch.ones(1, 4, 2))
    targets = {"tags": torch.ones(4, 7), "flat": torch.ones(28, 13)}
    batch = at(model, inputs, {"B": 5, "T": 9}, targets=targets)
    assert [tuple(leaf.shape) for leaf in batch.args] == [(5, 9, 3), (5, 1, 9, 9), (1, 5, 2)]
    assert {name: tuple(leaf.shape) for name, leaf in batch.targets.items()} == {"tags": (5, 9), "flat": (45, 13)}


def test_keyword_inputs_and_plain_values_are_kept_in_place():
    batch = at(taking("ids", "steps"), {"steps": 3, "ids": torch.ones(4, 7).long()}, {"T": 2})
    assert list(batch.kwargs) == ["steps", "ids"]
    assert batch.kwargs["steps"] == 3
    assert batch.kwargs["ids"].shape == (4, 2)


def test_tensor_given_twice_is_resized_once():
    ids = torch.ones(4, 7).long()
    batch = at(taking("ids"), ids, {"B": 6}, targets=ids)
    assert batch.targets is batch.args[0]


def test_other_names_of_the_batch_stay():
    x = torch.ones(4, 3, 8, 9)
    assert at(taking("x"), x, {"H": 5}).args[0].shape == (4, 3, 5, 9)


def test_same_sizes_give_the_same_tensor():
    x = torch.ones(4, 7)
    assert at(taking("x"), x, {"B": 4}).args[0] is x


def test_user_tensor_is_not_written_to_and_shares_no_memory():
    x = torch.ones(4, 7, 3, requires_grad=True)
    result = at(taking("x"), x, {"B": 2}).args[0]
    assert result.requires_grad
    assert result.is_leaf
    with torch.no_grad():
        result.zero_()
    assert bool(x.all())


@pytest.mark.parametrize(
    ("lengths", "sizes", "expected"),
    [
        ([7, 5, 2], {"T": 4}, [4, 4, 2]),
        ([7, 5, 2], {"T": 9}, [9, 5, 2]),
        ([7, 5, 2], {"B": 5}, [7, 7, 5, 5, 2]),
        ([5, 7, 2], {"B": 5}, [5, 7, 2, 5, 7]),
        ([5, 7, 2], {"B": 1}, [7]),
        ([5, 4, 2], {"T": 9}, [5, 4, 2]),
    ],
)
def test_lengths_fit_the_sequences_and_keep_their_order(lengths, sizes, expected):
    batch = at(taking("x", "lengths"), (torch.ones(3, 7, 2), torch.tensor(lengths)), sizes)
    assert batch.args[1].tolist() == expected


def test_vector_of_classes_is_no_vector_of_lengths():
    batch = at(taking("x", "speaker"), (torch.ones(3, 7, 2), torch.tensor([0, 6, 5])), {"T": 2})
    assert batch.args[1].tolist() == [0, 6, 5]


@pytest.mark.parametrize("sizes", [{"B": 1}, {"B": 11}, {"T": 3}, {"T": 20}, {"B": 9, "T": 2}])
def test_packed_model_runs_at_every_size(sizes):
    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.gru(x)[0], lengths, batch_first=True)
        states, _ = pad_packed_sequence(packed, batch_first=True)
        return states + x.mean(-1, keepdim=True)

    model = model_of(forward, gru=nn.GRU(3, 2, batch_first=True))
    batch = at(model, (torch.randn(4, 7, 3), torch.tensor([7, 5, 5, 2])), sizes)
    assert model(*batch.args).shape == (sizes.get("B", 4), sizes.get("T", 7), 2)


@pytest.mark.parametrize("size", [0, -3, 2.5, float("nan"), "8", None, True])
def test_size_that_is_no_positive_whole_number_is_told(size):
    with pytest.raises(InputError, match=r"size of B must be a whole number from 1 up, such as 4; got"):
        at(taking("x"), torch.ones(4, 7), {"B": size})


def test_axis_that_the_batch_has_not_is_told_with_those_that_it_has():
    with pytest.raises(InputError, match=r"no axis 'Q' to resize; it has B, T. Name the axes"):
        at(taking("x"), torch.ones(4, 7, 3), {"Q": 8})
