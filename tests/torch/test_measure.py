from types import SimpleNamespace

import pytest
import torch
from fingerprint import fingerprint
from torch import nn

from shapewidget.frameworks.adapter import Batch, Effort
from shapewidget.frameworks.slices import finished
from shapewidget.frameworks.torch import capacity, timing
from shapewidget.frameworks.torch.measure import measure
from shapewidget.graph.costs import peak_of


class Tagger(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.embedding = nn.Embedding(50, hidden)
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True, bidirectional=True)
        self.norm = nn.BatchNorm1d(2 * hidden)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(2 * hidden, 5)

    def forward(self, tokens):
        states, _ = self.lstm(self.embedding(tokens))
        return self.head(self.dropout(self.norm(states.transpose(1, 2)).transpose(1, 2)))


def tokens(batch=4, length=6):
    return torch.randint(0, 50, (batch, length))


def slices(model, *args, targets=None, loss=None, optimizer=None, effort=Effort.THOROUGH, **sizes):
    batch = Batch(args, targets=targets)
    return measure(model, batch, loss=loss, optimizer=optimizer, sizes=sizes, effort=effort)


def measured(*args, **options):
    return finished(slices(*args, **options))


def token_loss(outputs, targets):
    return nn.functional.cross_entropy(outputs.flatten(0, 1), targets.flatten())


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that wait for one another on a busy machine make a call take anything."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def no_room(monkeypatch):
    """A host with hardly any memory left."""
    monkeypatch.setattr(capacity, "available_bytes", lambda: capacity.RESERVE)


class TestTime:
    def test_both_calls_are_timed_with_ordered_quartiles(self):
        point = measured(Tagger(), tokens(), B=4, T=6)
        assert point.refusal == ""
        assert point.sizes == {"B": 4, "T": 6}
        assert point.device == "cpu"
        for each in (point.forward, point.step):
            assert 0 < each.lower <= each.median <= each.upper
            assert each.repeats >= 3


class TestRepeats:
    """On a clock that moves only when the timed call says so."""

    @pytest.fixture
    def calls(self, monkeypatch):
        """Runs `timed` on calls of the given durations, the last one for ever; gives the timing and the count."""

        def run(*durations):
            now, made = [0.0], [0]

            def call():
                now[0] += durations[min(made[0], len(durations) - 1)]
                made[0] += 1

            clock = SimpleNamespace(perf_counter=lambda: now[0], thread_time=lambda: now[0] / 2)
            monkeypatch.setattr("shapewidget.frameworks.timing.time", clock)
            return finished(timing.timed(call, torch.device("cpu"), 0.5)), made[0]

        return run

    def test_a_steady_call_is_settled_after_five(self, calls):
        measured, count = calls(0.01)
        assert (measured.median, measured.repeats, count) == (pytest.approx(0.01), 5, 5)

    def test_an_unsteady_call_is_repeated_until_half_a_second_is_over(self, calls):
        measured, _ = calls(*(0.01, 0.02) * 50)
        assert measured.repeats == 34
        assert measured.lower < measured.median < measured.upper

    def test_first_repeats_that_are_slower_than_all_others_are_warm_up(self, calls):
        measured, count = calls(0.09, 0.05, 0.01)
        assert (measured.median, measured.upper, measured.repeats) == pytest.approx((0.01, 0.01, 5))
        assert count == 7

    def test_a_slow_call_is_repeated_three_times_all_the_same(self, calls):
        measured, count = calls(4.0, 5.0, 9.0)
        assert (measured.lower, measured.median, measured.upper) == (4.5, 5.0, 7.0)
        assert measured.repeats == count == 3

    def test_a_call_under_a_millisecond_is_timed_in_batches(self, calls):
        measured, count = calls(0.0001)
        assert measured.median == pytest.approx(0.0001)
        assert count == 1 + 5 * 10


class TestMemory:
    def test_parameters_gradients_and_adam_state_are_exact(self):
        memory = measured(nn.Linear(30, 20), torch.randn(4, 30)).memory
        weights = (30 * 20 + 20) * 4
        assert memory.parameters == memory.gradients == weights
        assert memory.optimizer_state == 2 * weights + 2 * 4  # two moments, and a step counter a tensor

    def test_tied_weights_count_once(self):
        model = nn.Sequential(nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False))
        model[1].weight = model[0].weight
        memory = measured(model, torch.randn(2, 8)).memory
        assert memory.parameters == memory.gradients == 8 * 8 * 4

    def test_plain_sgd_keeps_no_state(self):
        memory = measured(Tagger(), tokens(), optimizer=lambda weights: torch.optim.SGD(weights, lr=0.1)).memory
        assert memory.optimizer_state == 0
        assert "SGD" in memory.how

    def test_frozen_weights_have_no_gradients(self):
        model = Tagger()
        model.embedding.requires_grad_(False)
        memory = measured(model, tokens()).memory
        trainable = sum(weight.nbytes for weight in model.parameters() if weight.requires_grad)
        assert memory.gradients == trainable

    def test_activations_hold_the_tensors_kept_for_the_backward_pass(self):
        layers = [layer for _ in range(10) for layer in (nn.Linear(16, 16), nn.Tanh())]
        memory = measured(nn.Sequential(*layers), torch.randn(4096, 16)).memory
        one = 4096 * 16 * 4
        assert 11 * one <= memory.activations <= 24 * one  # the input, ten outputs of Tanh, and the backward pass's own
        assert memory.forward_peak < memory.peak

    def test_activations_grow_with_the_batch(self):
        small, large = (measured(Tagger(), tokens(size, 20)).memory for size in (16, 64))
        assert large.parameters == small.parameters
        assert 3.5 < large.activations / small.activations < 4.5

    def test_workspaces_of_the_lstm_kernel_are_seen(self):
        model, batch, length, hidden = nn.LSTM(64, 64), 8, 40, 64
        memory = measured(model, torch.randn(length, batch, hidden)).memory
        outputs = length * batch * hidden * 4
        assert memory.activations > 10 * outputs

    def test_the_loss_is_named(self):
        assert "mean of the floating-point outputs" in measured(Tagger(), tokens()).memory.how
        own = measured(Tagger(), tokens(), targets=torch.randint(0, 5, (4, 6)), loss=token_loss)
        assert "token_loss" in own.memory.how

    def test_a_program_that_is_profiled_already_gets_an_estimate_that_says_so(self):
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], acc_events=True):
            point = measured(Tagger(), tokens())
            assert torch.autograd._profiler_enabled()
        assert point.memory.how.startswith("Estimated")
        assert point.memory.activations > 0


class TestRefusals:
    def test_without_trainable_weights_there_is_a_forward_pass_only(self):
        point = measured(Tagger().requires_grad_(False), tokens())
        assert point.forward is not None
        assert point.step is None
        assert point.refusal == "No training step was made: the model has no trainable weights."
        assert point.memory.gradients == point.memory.optimizer_state == 0
        assert point.memory.peak == point.memory.forward_peak

    def test_outputs_without_gradients_are_named_by_their_dtype(self):
        class Labels(Tagger):
            def forward(self, tokens):
                return super().forward(tokens).argmax(-1)

        point = measured(Labels(), tokens())
        assert point.step is None
        assert "torch.int64" in point.refusal
        assert "`loss=`" in point.refusal

    def test_a_loss_that_raises_is_quoted(self):
        point = measured(Tagger(), tokens(), targets=torch.randint(0, 5, (4, 9)), loss=token_loss)
        assert point.step is None
        assert "ValueError: Expected input batch_size (24) to match target batch_size (36)" in point.refusal
        assert "`targets=`" in point.refusal

    def test_a_second_step_that_raises_is_quoted(self):
        class Stateful(nn.Linear):
            state = 0

            def forward(self, x):
                self.state = super().forward(x) + self.state
                return self.state

        point = measured(Stateful(3, 3), torch.randn(2, 3))
        assert point.step is None
        assert (
            "The training step raised RuntimeError: Trying to backward through the graph a second time" in point.refusal
        )

    def test_a_model_that_raises_is_no_point_that_does_not_fit(self):
        point = measured(Tagger(), torch.randn(4, 6))
        assert (point.forward, point.step, point.memory) == (None, None, None)
        assert point.fits
        assert "RuntimeError" in point.refusal

    def test_a_model_that_cannot_be_copied_says_what_to_give(self):
        class Uncopyable(nn.Linear):
            def __deepcopy__(self, memo):
                raise TypeError("cannot pickle 'generator' object")

        point = measured(Uncopyable(3, 3), torch.randn(2, 3))
        assert "cannot be copied: TypeError: cannot pickle 'generator' object" in point.refusal
        assert "`build=`" in point.refusal


class TestOutOfMemory:
    def test_a_forward_pass_that_is_too_large_does_not_fit(self):
        class Enormous(nn.Linear):
            def forward(self, x):
                return super().forward(x).expand(10**7, 10**6, 3) + 1

        point = measured(Enormous(3, 3), torch.randn(1, 1, 3))
        assert point.refusal.startswith("does not fit on cpu: 111,758.71 GiB more were asked for than there are")
        assert not point.fits
        assert point.memory is None

    def test_a_step_that_is_too_large_leaves_the_time_of_the_forward_pass(self):
        class OutOfMemoryLoss(nn.Module):
            def forward(self, outputs, targets):
                raise torch.OutOfMemoryError(
                    "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity"
                )

        point = measured(Tagger(), tokens(), loss=OutOfMemoryLoss())
        assert point.forward is not None
        assert point.step is None
        assert not point.fits
        assert "20.00 GiB more" in point.refusal

    def test_a_copy_that_would_swap_is_not_made(self, no_room):
        point = measured(Tagger(), tokens())
        assert point.forward is None
        assert not point.fits
        assert point.refusal.startswith("does not fit on cpu: A copy of the Tagger would take")

    def test_a_step_stops_before_the_host_is_full(self, monkeypatch):
        free = iter([2**40])
        monkeypatch.setattr(capacity, "available_bytes", lambda: next(free, 0))
        layers = nn.Sequential(*(layer for _ in range(4) for layer in (nn.Linear(256, 256), nn.Tanh())))
        point = measured(layers, torch.randn(2**15, 256))
        assert point.forward is not None
        assert not point.fits
        assert "backward pass" in point.refusal


class TestManners:
    def test_model_and_random_state_are_left_as_found(self):
        model, inputs, targets = Tagger().eval(), tokens(), torch.randint(0, 5, (4, 6))
        model.dropout.train()
        model(inputs).sum().backward()
        before = fingerprint(model)
        assert measured(model, inputs, targets=targets, loss=token_loss).step is not None
        assert fingerprint(model) == before

    def test_the_model_is_left_as_found_when_it_raises(self):
        model, inputs = Tagger(), torch.randn(4, 6)
        before = fingerprint(model)
        assert measured(model, inputs).forward is None
        assert fingerprint(model) == before

    @pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
    def test_a_step_is_made_where_gradients_are_off_and_they_stay_off(self, mode):
        model, inputs = Tagger(), tokens()
        with mode():
            assert measured(model, inputs).step is not None
            assert not torch.is_grad_enabled()
            assert torch.is_inference_mode_enabled() is (mode is torch.inference_mode)

    def test_inputs_keep_their_values_and_get_no_gradient(self):
        class InPlace(nn.Linear):
            def forward(self, x):
                outputs = super().forward(x.clone())
                x.detach().add_(1)
                return outputs

        inputs = torch.randn(2, 3, requires_grad=True)
        before = inputs.detach().clone()
        assert measured(InPlace(3, 3), inputs).step is not None
        assert torch.equal(inputs, before)
        assert inputs.grad is None

    def test_a_loss_that_is_a_method_of_the_model_leaves_its_gradients_alone(self):
        class WithLoss(nn.Linear):
            def loss(self, outputs, targets):
                return (outputs - self(targets)).pow(2).mean()

        model = WithLoss(3, 3)
        point = measured(model, torch.randn(2, 3), targets=torch.randn(2, 3), loss=model.loss)
        assert point.step is not None
        assert model.weight.grad is None

    def test_the_forward_pass_runs_in_the_mode_of_the_model_and_the_step_in_training_mode(self):
        seen = []

        class Watching(nn.Linear):
            def forward(self, x):
                seen.append((self.training, torch.is_grad_enabled()))
                return super().forward(x)

        measured(Watching(3, 3).eval(), torch.randn(2, 3))
        assert set(seen) == {(False, False), (True, True)}
        assert seen == sorted(seen)

    def test_nothing_is_printed(self, capfd):
        class Chatty(nn.Linear):
            def forward(self, x):
                print(x.shape)
                return super().forward(x)

        measured(Chatty(3, 3), torch.randn(2, 3))
        assert capfd.readouterr().out == ""


class TestSlices:
    def test_a_slice_is_one_call_of_the_model(self):
        calls = []

        class Counting(nn.Linear):
            def forward(self, x):
                calls.append(1)
                return super().forward(x.repeat(500, 40))

        before = 0
        for _ in slices(Counting(120, 200), torch.randn(2, 3)):
            assert len(calls) - before <= 3  # a call that is short is timed several at once
            before = len(calls)

    def test_closing_it_leaves_the_model_and_the_random_state_as_found(self):
        model, inputs = Tagger(), tokens()
        before = fingerprint(model)
        measuring = slices(model, inputs)
        for _ in range(4):
            next(measuring)
        measuring.close()
        assert fingerprint(model) == before

    def test_between_slices_gradients_and_output_are_those_of_the_user(self, capfd):
        with torch.no_grad():
            for _ in slices(Tagger(), tokens()):
                assert not torch.is_grad_enabled()
                print("seen")
        assert "seen" in capfd.readouterr().out


class TestEffort:
    def test_bytes_alone_are_had_without_timing(self):
        point = measured(Tagger(), tokens(), effort=Effort.BYTES)
        assert (point.forward, point.step, point.refusal) == (None, None, "")
        assert point.memory == measured(Tagger(), tokens()).memory

    def test_timelines_add_up_to_the_peak(self):
        point = measured(Tagger(), tokens())
        gradients = point.memory.gradients
        beyond = point.memory.activations - point.memory.inputs + point.memory.workspace
        assert peak_of(point.step_timeline) == gradients + beyond
        assert any("lstm" in segment.name for segment in point.step_timeline)

    def test_without_training_there_is_a_forward_pass_only(self):
        batch = Batch((tokens(),))
        point = finished(
            measure(Tagger(), batch, loss=None, optimizer=None, sizes={}, effort=Effort.USUAL, training=False)
        )
        assert point.forward is not None
        assert (point.step, point.step_timeline, point.refusal) == (None, (), "")


class TestLayers:
    def test_every_layer_has_its_bytes_and_seconds(self):
        point = measured(Tagger(), tokens(8, 20))
        assert {"embedding", "lstm", "norm", "dropout", "head"} <= point.layers.keys()
        assert point.layers["lstm"].memory > 8 * 20 * 32 * 4  # its outputs, and its kernel's workspace
        assert 0 < point.layers["lstm"].time < point.layers["Tagger"].time

    def test_a_layer_that_is_called_twice_is_told_apart(self):
        class Twice(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(4, 4)

            def forward(self, x):
                return self.layer(self.layer(x).tanh())

        assert {"layer", "layer#2"} <= measured(Twice(), torch.randn(2, 4)).layers.keys()

    def test_no_hook_is_left_behind(self):
        hooks = torch.nn.modules.module
        before = len(hooks._global_forward_hooks), len(hooks._global_forward_pre_hooks)
        measured(Tagger(), tokens())
        assert (len(hooks._global_forward_hooks), len(hooks._global_forward_pre_hooks)) == before

    def test_operations_are_counted(self):
        forward = 2 * 4 * 30 * 20
        point = measured(nn.Linear(30, 20), torch.randn(4, 30))
        assert point.flops == 2 * forward  # no gradient of the inputs is asked for

    def test_operations_of_an_lstm_are_counted(self):
        forward = 2 * (3 * 5) * 4 * 16 * (8 + 16)
        assert measured(nn.LSTM(8, 16), torch.randn(5, 3, 8)).flops == 3 * forward
