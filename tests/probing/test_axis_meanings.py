"""Operations that take an axis for something else than the layers made it, and programs that only look like them."""

import pytest
import torch
from silent_programs import Program, rows, series, words
from torch import nn
from torch.nn import functional as F

import shapewidget
from shapewidget.diagnosis.axis_parts import Part, Role, reshaped
from shapewidget.diagnosis.findings import Severity


def axes_of(*sizes):
    return tuple((Part("x", 0, axis, size=size),) for axis, size in enumerate(sizes))


def test_reshape_that_merges_puts_parts_side_by_side():
    batch, channels, height, width = axes_of(2, 3, 4, 5)
    made = reshaped((batch, channels, height, width), (2, 3, 4, 5), (6, 20), "view")
    assert made.axes == (batch + channels, height + width)
    assert not made.torn


def test_reshape_that_splits_what_was_merged_gives_the_axes_back():
    batch, steps, features = axes_of(2, 9, 5)
    merged = reshaped((batch, steps, features), (2, 9, 5), (18, 5), "view").axes
    assert reshaped(merged, (18, 5), (2, 9, 5), "view#2").axes == (batch, steps, features)


def test_reshape_that_splits_and_merges_in_one_step_makes_pieces():
    batch, steps, features = axes_of(2, 8, 5)
    made = reshaped((batch, steps, features), (2, 8, 5), (2, 4, 10), "view")
    assert not made.torn
    assert [part.size for part in made.axes[2]] == [2, 5]
    assert made.axes[2][1:] == features


def test_reshape_across_axes_is_torn():
    made = reshaped(axes_of(2, 7, 9), (2, 7, 9), (18, 7), "view")
    assert made.torn == (((0, 1, 2), (0, 1)),)
    assert made.axes == ((), ())


def test_parts_of_one_place_are_the_same_whatever_their_size_is_now():
    assert Part("x", 0, 1, role=Role.FEATURES, size=4) == Part("x", 0, 1, size=3)


class Head(nn.Module):
    def __init__(self, forward, channels=12):
        super().__init__()
        self.body, self.head, self._forward = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, channels, 1), forward

    def forward(self, x):
        return self._forward(self.head(torch.relu(self.body(x))))


def alarms(model, *inputs, **more):
    given = inputs if len(inputs) > 1 else inputs[0]
    found = shapewidget.probe(model, given, **more).findings
    return [(it.code, it.verified) for it in found if it.severity is not Severity.NOTE]


PICTURES = torch.randn(4, 3, 8, 10, generator=torch.Generator().manual_seed(0))


def test_boxes_of_a_detector_read_without_permute_are_mended():
    assert alarms(Head(lambda y: y.reshape(y.size(0), -1, 4)), PICTURES) == [("SW601", True)]
    assert not alarms(Head(lambda y: y.permute(0, 2, 3, 1).reshape(y.size(0), -1, 4)), PICTURES)


def test_classes_of_a_picture_flattened_without_permute_are_mended():
    def wrong(outputs, targets):
        return F.cross_entropy(outputs.reshape(-1, 6), targets.reshape(-1))

    def right(outputs, targets):
        return F.cross_entropy(outputs.permute(0, 2, 3, 1).reshape(-1, 6), targets.reshape(-1))

    model, targets = Head(lambda y: y, 6), torch.randint(0, 6, (4, 8, 10))
    assert alarms(model, PICTURES, targets=targets, loss=wrong) == [("SW601", True)]
    assert not alarms(model, PICTURES, targets=targets, loss=right)


def blocks(y):
    """Space to depth: the one reshape in it that splits is undone by a permute before the other merges."""
    batch, channels, height, width = y.shape
    y = y.view(batch, channels, height // 2, 2, width // 2, 2).permute(0, 3, 5, 1, 2, 4)
    return y.reshape(batch, 4 * channels, height // 2, width // 2)


@pytest.mark.parametrize(
    "forward",
    [
        blocks,
        lambda y: y.flatten(2).transpose(1, 2),
        lambda y: y.permute(0, 3, 1, 2).flatten(2),
        lambda y: y.view(y.size(0), 3, 4, *y.shape[2:]).transpose(1, 2).reshape(y.shape),
        lambda y: y.view(y.size(0), 3, -1, y.size(-1)).mean(2),
    ],
    ids=["space to depth", "tokens", "columns", "shuffled channels", "groups of channels"],
)
def test_reshapes_that_keep_pieces_whole_are_left_alone(forward):
    assert not alarms(Head(forward), PICTURES)


def pyramid(model, x):
    steps = model.first(x)[0]
    return model.second(steps.reshape(steps.size(0), steps.size(1) // 2, -1))[0]


def test_steps_joined_in_pairs_are_left_alone():
    layers = {"first": nn.LSTM(10, 6, batch_first=True), "second": nn.LSTM(12, 5, batch_first=True)}
    assert not alarms(Program(pyramid, **layers), series(steps=8))


def gate(model, x):
    steps = model.gru(x)[0]
    return steps * torch.sigmoid(model.gate(steps.mean(2))).unsqueeze(2)


def test_gate_of_the_steps_may_be_made_of_their_means():
    assert not alarms(Program(gate, gru=nn.GRU(10, 6, batch_first=True), gate=nn.Linear(9, 9)), series())


def peaks(model, x):
    return model.head(F.max_pool1d(model.body(x.transpose(1, 2)), 3).mean(2))


def test_pooling_behind_a_convolution_is_left_alone():
    assert not alarms(Program(peaks, body=nn.Conv1d(10, 8, 3), head=nn.Linear(8, 3)), series())


def pointer(model, x):
    return F.log_softmax(model.score(model.gru(x)[0]).squeeze(-1), dim=1)


def test_softmax_over_the_steps_is_left_alone_where_a_step_is_to_be_picked():
    model = Program(pointer, gru=nn.GRU(10, 8, batch_first=True), score=nn.Linear(8, 1))
    assert not alarms(model, series(), targets=torch.randint(0, 9, (6,)), loss=nn.NLLLoss())


def test_mean_of_a_loss_that_is_its_own_weight_is_told_and_each_of_its_own_is_not():
    def focal(reduction):
        def loss(outputs, targets):
            each = F.cross_entropy(outputs, targets, reduction=reduction)
            return ((1 - torch.exp(-each)) ** 2 * each).mean()

        return loss

    model, targets = nn.Linear(10, 4), torch.randint(0, 4, (6,))
    assert [code for code, _ in alarms(model, rows(), targets=targets, loss=focal("mean"))] == ["SW307"]
    assert not alarms(model, rows(), targets=targets, loss=focal("none"))


def smooth(outputs, targets):
    return F.mse_loss(outputs, targets) + (outputs[:, 1:] - outputs[:, :-1]).abs().mean()


def test_differences_of_neighbouring_steps_are_left_alone():
    model = Program(
        lambda self, x: self.head(self.gru(x)[0]), gru=nn.GRU(10, 8, batch_first=True), head=nn.Linear(8, 2)
    )
    assert not alarms(model, series(), targets=torch.randn(6, 9, 2), loss=smooth)


def test_one_sequence_without_a_batch_is_no_accusation():
    model = Program(
        lambda self, x: self.head(self.lstm(self.table(x))[0]),
        table=nn.Embedding(40, 8), lstm=nn.LSTM(8, 6, batch_first=True), head=nn.Linear(6, 3),
    )  # fmt: skip
    assert not alarms(model, words()[0])


def test_advantages_of_another_shape_are_told_in_watched_code():
    policy, states, advantages = nn.Linear(10, 3), rows(), torch.randn(6, 1)
    actions = torch.randint(0, 3, (6,))
    with shapewidget.capture() as report:
        chosen = torch.distributions.Categorical(logits=policy(states)).log_prob(actions)
        (-(chosen * advantages)).mean().backward()
    assert [it.code for it in report.findings] == ["SW302"]
    with shapewidget.capture() as report:
        chosen = torch.distributions.Categorical(logits=policy(states)).log_prob(actions)
        (-(chosen * advantages.squeeze(1))).mean().backward()
    assert not report.findings


class OverSteps(nn.Module):
    def __init__(self, axis):
        super().__init__()
        self.table, self.head, self.axis = nn.Embedding(40, 8), nn.Linear(8, 40), axis

    def forward(self, ids):
        x = self.table(ids)
        centred = x - x.mean(self.axis, keepdim=True)
        return self.head(centred / (x.std(self.axis, keepdim=True) + 1e-5))


def test_features_of_tokens_normalised_over_the_steps_are_mended():
    assert alarms(OverSteps(1), words()) == [("SW613", True)]
    assert not alarms(OverSteps(-1), words())


def scaled(model, x):
    mean, deviation = x.mean(1, keepdim=True), x.std(1, keepdim=True)
    return model.head(model.gru((x - mean) / deviation)[0]) * deviation + mean


def test_series_are_scaled_over_time():
    assert not alarms(Program(scaled, gru=nn.GRU(10, 8, batch_first=True), head=nn.Linear(8, 10)), series())


@pytest.mark.parametrize(("axis", "found"), [(-1, [("SW613", True)]), (1, [])])
def test_gated_unit_behind_a_convolution_takes_half_of_the_channels(axis, found):
    model = Program(lambda self, x: self.glu(self.body(x)), body=nn.Conv1d(10, 8, 3), glu=nn.GLU(axis))
    assert alarms(model, series(steps=12).transpose(1, 2)) == found


def tiled(model, x, mask):
    masks = mask[:, None].expand(-1, x.size(1), -1)
    masks = model.repeated(masks)
    return model.attention(x.transpose(0, 1), x.transpose(0, 1), x.transpose(0, 1), attn_mask=masks)[0]


@pytest.mark.parametrize(
    ("repeated", "found"),
    [(lambda it: it.repeat(2, 1, 1), ["SW616"]), (lambda it: it.repeat_interleave(2, dim=0), [])],
    ids=["tiled", "repeated"],
)
def test_masks_of_an_attention_with_time_in_front_stand_sample_by_sample(repeated, found):
    model = Program(tiled, attention=nn.MultiheadAttention(10, 2))
    model.repeated = repeated
    mask = torch.arange(9) >= torch.tensor([[9], [4], [6], [7], [5], [3]])
    assert [code for code, _ in alarms(model, series(), mask)] == found


def test_batch_flattened_before_a_sum_along_its_second_axis_is_mended_at_the_view():
    def dice(outputs, targets):
        outputs, targets = outputs.reshape(-1), targets.reshape(-1)
        return 1 - torch.sum(outputs * targets, dim=1).mean()

    (found,) = shapewidget.probe(
        nn.Conv1d(10, 2, 1), series().transpose(1, 2), targets=torch.rand(6, 2, 9), loss=dice
    ).findings
    assert (found.code, found.layer, found.verified) == ("SW110", "reshape", True)
    assert (found.expected, found.got) == ((6, 18), (108,))


class Score(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(10, 4)

    def forward(self, x):
        return self.body(x).sum()


class OfEach(Score):
    def forward(self, x):
        return self.body(x).sum(-1)


def test_score_added_up_over_the_samples_too_is_mended():
    assert alarms(Score(), rows(), targets=torch.randn(6), loss=nn.MSELoss()) == [("SW603", True)]
    assert not alarms(OfEach(), rows(), targets=torch.randn(6), loss=nn.MSELoss())


def attended(equation):
    def forward(model, x):
        weights = torch.softmax(x @ x.transpose(1, 2), dim=-1)
        return model.head(torch.einsum(equation, weights, x))

    return forward


@pytest.mark.parametrize(("equation", "found"), [("bij,bid->bjd", ["SW608"]), ("bij,bjd->bid", [])])
def test_einsum_sums_the_axis_that_adds_up_to_one(equation, found):
    model = Program(attended(equation), head=nn.Linear(10, 3))
    assert [code for code, _ in alarms(model, series())] == found


def attended_by_heads(axis):
    """Scores as (batch, query, key, head)."""

    def forward(model, x):
        rows = x.unflatten(-1, (2, 5))
        weights = torch.softmax(torch.einsum("bihd,bjhd->bijh", rows, rows), dim=axis)
        return model.head(torch.einsum("bijh,bjhd->bihd", weights, rows).flatten(2))

    return forward


def attended_by_sums(axis):
    """Scores as (batch, query, key, 1), without a matrix product."""

    def forward(model, x):
        weights = torch.softmax((x.unsqueeze(2) * x.unsqueeze(1)).sum(-1, keepdim=True), dim=axis)
        return model.head((weights * x.unsqueeze(1)).sum(2))

    return forward


@pytest.mark.parametrize("attention", [attended_by_heads, attended_by_sums])
@pytest.mark.parametrize(("axis", "found"), [(1, [("SW608", True)]), (2, [])])
def test_weights_that_add_up_to_one_over_the_queries_are_mended(attention, axis, found):
    assert alarms(Program(attention(axis), head=nn.Linear(10, 3)), series()) == found


def patched(model, x):
    return model.head(x.view(x.size(0), -1, 48)).mean(1)


def test_view_with_a_size_left_open_has_no_fix_where_only_numbers_agree():
    (found,) = shapewidget.probe(Program(patched, head=nn.Linear(48, 5)), torch.randn(4, 3, 16, 12)).findings
    assert (found.code, found.verified, found.patch) == ("SW601", False, None)


@pytest.mark.filterwarnings("ignore:Implicit dimension choice")
def test_softmax_that_names_no_axis_is_told_its_axis():
    model = Program(lambda self, x: F.softmax(self.gru(x)[0]), gru=nn.GRU(10, 4, batch_first=True))
    (found,) = shapewidget.probe(model, series()).findings
    assert (found.code, found.verified) == ("SW603", True)
    assert "dim=" in found.fix
