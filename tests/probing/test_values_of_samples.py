"""One number of each sample: extremes of a whole batch, ratios of pictures, points drawn between samples."""

import pytest
import torch
from torch import nn

import shapewidget

STATE, FOLLOWING = torch.randn(2, 32, 4).unbind()
REWARD = torch.randn(32)


def told(run):
    with shapewidget.capture() as report:
        run()
    return [each for each in report.findings if each.severity != "note"]


def learning(best):
    values = nn.Linear(4, 3)

    def run():
        with torch.no_grad():
            goal = REWARD + 0.9 * best(values(FOLLOWING))
        chosen = values(STATE)[:, 0]
        ((goal - chosen) ** 2).mean().backward()

    return run


def best_of_all(values):
    return values.max()


def test_the_best_value_of_all_samples_is_told_with_that_of_each():
    (found,) = told(learning(best_of_all))
    assert (found.code, found.expected, found.got) == ("SW673", (32,), ())
    assert "values.amax(dim=-1)" in found.fix


@pytest.mark.parametrize(
    "best", [lambda values: values.max(1).values, lambda values: values.amax(-1), lambda values: values[:, 0].max()]
)
def test_the_best_value_of_each_sample_and_of_one_column_are_left_alone(best):
    assert told(learning(best)) == []


@pytest.mark.parametrize("scaled", [lambda x: x - x.max(), lambda x: x / x.max(), lambda x: (x - x.max()).exp().sum(1)])
def test_extremes_that_scale_what_they_are_of_are_left_alone(scaled):
    assert "SW673" not in [each.code for each in told(lambda: scaled(nn.Linear(4, 3)(STATE)).mean().backward())]


def dice(axes):
    def loss(outputs, targets):
        shown = outputs.sigmoid()
        overlap = (shown * targets).sum(dim=axes)
        areas = shown.sum(dim=axes) + targets.sum(dim=axes)
        return 1 - ((2 * overlap + 1) / (areas + 1)).mean()

    return loss


def of_pictures(loss, channels=1):
    masks = (torch.rand(4, channels, 8, 8) < 0.3).float()
    model = nn.Sequential(nn.Conv2d(3, 6, 1), nn.ReLU(), nn.Conv2d(6, channels, 1))
    return shapewidget.probe(model, torch.randn(4, 3, 8, 8), targets=masks, loss=loss).findings


def test_sums_along_the_only_channel_are_told_with_all_pixels():
    (found,) = of_pictures(dice(1))
    assert (found.code, found.expected, found.got, found.verified) == ("SW674", (4,), (4, 8, 8), True)


@pytest.mark.parametrize(("axes", "channels"), [((1, 2, 3), 1), ((2, 3), 1), ((2, 3), 5), ((0, 2, 3), 2)])
def test_sums_over_pixels_are_left_alone(axes, channels):
    assert of_pictures(dice(axes), channels) == ()


def test_errors_summed_along_the_only_channel_are_left_alone():
    assert of_pictures(lambda outputs, targets: ((outputs - targets) ** 2).sum(1).mean()) == ()


def penalised(shape):
    critic = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    real, made = torch.randn(2, 4, 1, 8, 8).unbind()

    def run():
        where = torch.rand(shape)
        points = (real + where * (made - real)).requires_grad_()
        (slope,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
        ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean().backward()

    return run


def test_points_drawn_value_by_value_are_told():
    (found,) = told(penalised((4, 1, 8, 8)))
    assert (found.code, found.expected, found.got) == ("SW675", (4, 1, 1, 1), (4, 1, 8, 8))


@pytest.mark.parametrize("shape", [(4, 1, 1, 1), (1,)])
def test_points_on_the_lines_between_samples_are_right(shape):
    assert told(penalised(shape)) == []
