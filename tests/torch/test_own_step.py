"""Training steps as the user makes them, and where their seconds go."""

from types import SimpleNamespace

import torch
from fingerprint import fingerprint
from torch import nn
from torch.utils.checkpoint import checkpoint

from shapewidget.frameworks.adapter import Batch, Effort
from shapewidget.frameworks.slices import finished
from shapewidget.frameworks.torch.measure import measure
from shapewidget.frameworks.torch.step_parts import StepClock

WIDE = 256


def layers():
    return nn.Sequential(*(layer for _ in range(4) for layer in (nn.Linear(64, 64), nn.Tanh())))


def plain(model, inputs, targets, optimizer):
    loss = nn.functional.mse_loss(model(inputs), targets)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def measured(model, step, inputs=None, targets=None, **options):
    inputs = torch.randn(WIDE, 64) if inputs is None else inputs
    batch = Batch((inputs,), targets=torch.randn(WIDE, 64, dtype=inputs.dtype) if targets is None else targets)
    return finished(
        measure(model, batch, loss=None, optimizer=None, sizes={}, effort=Effort.BRIEF, step=step, **options)
    )


class TestOwnStep:
    def test_it_takes_what_the_same_step_of_ours_takes(self):
        model = layers()
        own = measured(model, plain)
        batch = Batch((torch.randn(WIDE, 64),), targets=torch.randn(WIDE, 64))
        ours = finished(
            measure(model, batch, loss=nn.functional.mse_loss, optimizer=None, sizes={}, effort=Effort.BYTES)
        )
        assert own.refusal == ours.refusal == ""
        assert own.memory.gradients == ours.memory.gradients
        assert own.memory.optimizer_state == ours.memory.optimizer_state
        assert own.memory.peak == ours.memory.peak
        assert own.memory.how.endswith("optimiser Adam, a step made by plain.")

    def test_gradients_that_are_cleared_first_count_once(self):
        def clears_first(model, inputs, targets, optimizer):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(inputs), targets).backward()
            optimizer.step()

        model = layers()
        assert measured(model, clears_first).memory.peak == measured(model, plain).memory.peak

    def test_checkpointing_keeps_less(self):
        def recomputes(model, inputs, targets, optimizer):
            for part in model:
                inputs = checkpoint(part, inputs, use_reentrant=False)
            inputs.mean().backward()
            optimizer.step()
            optimizer.zero_grad()

        def keeps(model, inputs, targets, optimizer):
            model(inputs).mean().backward()
            optimizer.step()
            optimizer.zero_grad()

        model, inputs = nn.Sequential(*(layers() for _ in range(4))), torch.randn(4096, 64)
        thrifty, usual = (measured(model, step, inputs, inputs).memory for step in (recomputes, keeps))
        assert thrifty.activations < usual.activations / 2
        assert thrifty.peak < 0.7 * usual.peak

    def test_autocast_keeps_numbers_of_half_the_size(self):
        def mixed(model, inputs, targets, optimizer):
            with torch.autocast("cpu", torch.bfloat16):
                loss = model(inputs).float().mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

        def single(model, inputs, targets, optimizer):
            model(inputs).mean().backward()
            optimizer.step()
            optimizer.zero_grad()

        model, inputs = nn.Sequential(*(nn.Tanh() if odd % 2 else nn.Linear(64, 64) for odd in range(12))), None
        half, full = (measured(model, step, inputs).memory for step in (mixed, single))
        assert half.parameters == full.parameters
        assert half.activations < 0.8 * full.activations

    def test_weights_of_another_dtype_take_its_bytes(self):
        half = measured(layers().to(torch.bfloat16), plain, torch.randn(WIDE, 64, dtype=torch.bfloat16))
        assert half.refusal == ""
        assert 2 * half.memory.gradients == measured(layers(), plain).memory.gradients

    def test_several_inputs_arrive_as_they_were_given(self):
        class Sum(nn.Linear):
            def forward(self, one, two):
                return super().forward(one + two)

        seen = []

        def notes(model, inputs, targets, optimizer):
            seen.append(inputs)
            model(*inputs).mean().backward()
            optimizer.step()
            optimizer.zero_grad()

        batch = Batch((torch.randn(2, 3), torch.randn(2, 3)))
        point = finished(
            measure(Sum(3, 3), batch, loss=None, optimizer=None, sizes={}, effort=Effort.BYTES, step=notes)
        )
        assert point.refusal == ""
        assert [len(inputs) for inputs in seen] == [2] * len(seen)


class TestRefusals:
    def test_a_step_that_would_train_the_users_model_is_not_made(self):
        model = layers()
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)

        def theirs(_model, inputs, targets, _optimizer):
            model(inputs).mean().backward()

        def their_optimizer(model, inputs, targets, _):
            model(inputs).mean().backward()
            optimizer.step()

        inputs, targets = torch.randn(WIDE, 64), torch.randn(WIDE, 64)
        before = fingerprint(model)
        for step, name in ((theirs, "'model'"), (their_optimizer, "'optimizer'")):
            point = measured(model, step, inputs, targets)
            assert f"uses {name} from outside, and would train your own model" in point.refusal
            assert point.step is None
        assert fingerprint(model) == before

    def test_a_step_that_trains_nothing_says_so(self):
        point = measured(layers(), lambda model, inputs, targets, optimizer: None)
        assert "did not train the model that it was handed" in point.refusal
        assert point.forward is not None

    def test_a_step_that_raises_is_quoted_with_how_it_is_called(self):
        def wrong(model, inputs, targets, optimizer):
            raise KeyError("no such loss")

        point = measured(layers(), wrong)
        assert "The training step raised KeyError: 'no such loss'. It is called as step(model, inputs," in point.refusal


class TestParts:
    def test_a_step_is_its_three_parts(self, monkeypatch):
        now = [0.0]
        clock = SimpleNamespace(perf_counter=lambda: now[0], thread_time=lambda: now[0] / 2)
        monkeypatch.setattr("shapewidget.frameworks.torch.step_parts.time", clock)

        class Slow(nn.Linear):
            def forward(self, x):
                now[0] += 1.0
                return super().forward(x)

        class Update(torch.optim.SGD):
            def step(self):
                now[0] += 4.0

        model = Slow(3, 3)
        optimizer = Update(model.parameters(), lr=0.1)

        def step():
            for _ in range(2):  # two passes, one update
                loss = model(torch.randn(2, 3)).mean()
                loss.backward()
                now[0] += 8.0
            optimizer.step()

        watched = StepClock(model, optimizer, torch.device("cpu"))
        with watched.watching():
            for _ in range(3):
                watched.clocked(step)
        parts = watched.parts()
        assert [part.median for part in parts] == [2.0, 16.0, 4.0]
        assert [part.cpu for part in parts] == [1.0, 8.0, 2.0]
        assert [part.repeats for part in parts] == [3, 3, 3]
        assert not model._forward_hooks
        assert not model._forward_pre_hooks

    def test_they_are_measured_with_every_step_that_is_timed(self):
        point = measured(layers(), None)
        assert all(part.median > 0 for part in point.parts)
        assert point.parts.forward.repeats >= point.step.repeats

    def test_bytes_alone_have_none(self):
        batch = Batch((torch.randn(2, 64),))
        point = finished(measure(layers(), batch, loss=None, optimizer=None, sizes={}, effort=Effort.BYTES))
        assert point.parts is None
