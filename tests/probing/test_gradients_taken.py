"""Programs that take gradients as they run: forces, penalties on the length of a gradient, losses of derivatives."""

import pytest
import torch
from torch import nn

import shapewidget


class Forces(nn.Module):
    """The negative gradient of an energy, as a model of molecules gives it."""

    def __init__(self):
        super().__init__()
        self.energy = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, positions):
        positions.requires_grad_(True)
        energy = self.energy(positions).sum(dim=(1, 2))
        return -torch.autograd.grad(energy.sum(), positions, create_graph=True)[0]


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.score = nn.Linear(2 * 6 * 5, 1)

    def forward(self, picture):
        return self.score(torch.tanh(picture).flatten(1))


def test_a_model_that_takes_a_gradient_is_recorded_and_its_input_is_left_as_it_was():
    positions, model = torch.randn(4, 7, 3), Forces()
    report = shapewidget.probe(model, positions)
    assert (report.findings, report.stopped) == ((), None)
    (node,) = (layer for layer in report.graph.layers if layer.name == "gradient")
    assert str(node.outputs[0]) == "(B, T, 3)"
    assert not positions.requires_grad
    assert all(weight.grad is None for weight in model.parameters())


def test_a_loss_that_goes_backward_leaves_no_gradient_behind():
    model, points = nn.Linear(2, 1), torch.randn(5, 2, requires_grad=True)

    def slopes(outputs, targets):
        outputs.sum().backward(retain_graph=True)
        return (outputs - targets).pow(2).mean()

    report = shapewidget.probe(model, points, targets=torch.randn(5, 1), loss=slopes)
    assert (report.findings, report.stopped) == ((), None)
    assert points.grad is None
    assert model.weight.grad is None


LENGTHS = {
    "norm over the channels": lambda g: g.norm(2, dim=1),
    "squares of the channels": lambda g: torch.sqrt(torch.sum(g**2, dim=1) + 1e-12),
    "norm of the whole batch": lambda g: g.norm(2),
}
RIGHT = {
    "flattened": lambda g: g.view(g.size(0), -1).norm(2, dim=1),
    "all axes of a sample": lambda g: torch.sqrt(g.pow(2).sum(dim=(1, 2, 3)) + 1e-12),
}


def penalty(critic, real, fake, length):
    share = torch.rand(real.size(0), 1, 1, 1)
    mixed = (share * real + (1 - share) * fake).requires_grad_(True)
    score = critic(mixed)
    gradient = torch.autograd.grad(score, mixed, torch.ones_like(score), create_graph=True)[0]
    return ((length(gradient) - 1) ** 2).mean()


def of_training(length):
    critic, real = Critic(), torch.randn(4, 2, 6, 5)
    optimizer = torch.optim.SGD(critic.parameters(), 0.1)
    with shapewidget.capture() as report:
        for _ in range(2):
            optimizer.zero_grad()
            (critic(real).mean() + penalty(critic, real, torch.randn(4, 2, 6, 5), length)).backward()
            optimizer.step()
    return [(each.code, each.expected) for each in report.findings]


@pytest.mark.parametrize("length", LENGTHS.values(), ids=LENGTHS)
def test_a_penalty_on_too_few_axes_is_found(length):
    assert of_training(length) == [("SW643", (4,))]


@pytest.mark.parametrize("length", RIGHT.values(), ids=RIGHT)
def test_a_penalty_on_the_length_of_a_sample_is_right(length):
    assert of_training(length) == []


def penalty_of_channels(critic, real, fake):
    share = torch.rand(real.size(0), 1, 1, 1)
    mixed = (share * real + (1 - share) * fake).requires_grad_(True)
    score = critic(mixed)
    gradient = torch.autograd.grad(score, mixed, torch.ones_like(score), create_graph=True)[0]
    return ((gradient.norm(2, dim=1) - 1) ** 2).mean()


def test_the_fix_of_a_penalty_is_run():
    critic, real = Critic(), torch.randn(4, 2, 6, 5)
    with shapewidget.capture() as report:
        loss = penalty_of_channels(critic, real, torch.randn(4, 2, 6, 5))
        loss.backward()
    (found,) = report.findings
    assert (found.verified, "dim=[1, 2, 3]" in found.fix) == (True, True)


def test_the_length_of_the_gradient_of_weights_is_no_penalty_on_samples():
    model, x = nn.Linear(6, 2), torch.randn(8, 6)
    with shapewidget.capture() as report:
        losses = model(x).pow(2).mean(0)
        lengths = [torch.autograd.grad(it, model.weight, create_graph=True)[0].norm(2) - 1.0 for it in losses]
        torch.stack(lengths).square().mean().backward()
    assert not report.findings
