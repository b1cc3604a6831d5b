"""The real batches of a running training loop, as the dashboard follows them."""

import copy
import gc
import io
import weakref

import pytest
import torch
from torch import nn

import shapewidget
from shapewidget.notebook.dashboard import Dashboard
from shapewidget.notebook.live_switch import LiveSwitch
from shapewidget.probing.live import BURST, SHARE, Live
from shapewidget.probing.session import Session


class Clock:
    """Time that passes only when it is told to."""

    now = 0.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr("shapewidget.probing.live.time", made)
    return made


@pytest.fixture
def model():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))


@pytest.fixture
def dashboard(model):
    made = Dashboard(Session(model, torch.randn(6, 4)))
    yield made
    made.close()


def test_live_records_a_few_batches_a_second_and_counts_all(clock):
    live = Live()
    for _ in range(1000):
        live.called((torch.zeros(32, 4),))
        clock.now += 0.001
    assert live.count == 1000
    assert [batch.index for batch in live.batches] == [0, 250, 500, 750]


def test_live_marks_the_first_batch_of_another_shape_at_once(clock):
    live = Live()
    for size in (32, 32, 7, 5):
        live.called((torch.zeros(size, 4),))
    assert (live.odd.index, live.odd.size) == (2, 7)
    assert [batch.size for batch in live.batches] == [32, 7]


def test_live_marks_a_batch_of_another_shape_inside_of_a_nesting(clock):
    live = Live()
    for size in (32, 32, 7):
        live.called(((), {"ids": torch.zeros(size, 4), "mask": [torch.zeros(size)]}))
    assert live.odd.index == 2


def test_live_rests_where_it_has_taken_more_than_its_share(clock):
    def slowly(live):
        clock.now += 1.0

    live = Live(slowly)
    for _ in range(300):
        live.called((torch.zeros(3),))
        clock.now += 0.5
    first, second = (batch.index for batch in live.batches)
    assert first == 0
    assert 1.0 <= SHARE * 0.5 * second + SHARE < 1.01


def test_dashboard_follows_the_loop_while_it_is_live(clock, dashboard, model):
    dashboard.live = True
    assert dashboard.live_switch.text.value == "waits for the model to be called"
    for size in (32, 32, 7):
        model(torch.randn(size, 4)).sum().backward()
    assert [batch.size for batch in dashboard.live_batches] == [32, 7]
    assert dashboard.live_switch.text.value == "⚠ batch 2 differs: (7, 4), the first had (32, 4)"
    dashboard.live = False
    model(torch.randn(5, 4))
    assert len(dashboard.live_batches) == 2
    assert not model._forward_pre_hooks


def test_first_batch_of_another_shape_is_marked_on_the_graph_and_stays(dashboard, model):
    dashboard.live = True
    for size in (32, 32, 7, 5):
        model(torch.randn(size, 4))
    (found,) = [each for each in dashboard.report.findings if each.code == "SW732"]
    graph = dashboard.graph_view.graph
    assert (found.severity, found.expected, found.got, found.axis) == ("note", "(32, 4)", "(7, 4)", 0)
    assert found.layer_id in {layer["id"] for layer in graph["layers"] if layer["kind"] == "input"}
    assert [edge["badge"] for edge in graph["edges"] if edge["badge"]] == ["batch 2: (7, 4) ≠ (32, 4)"]
    assert [each["code"] for each in graph["findings"]] == ["SW732"]


def test_live_looks_at_fewer_calls_where_steps_are_short(clock):
    class Slow:
        shape, dtype = (3,), "float32"

        def __getattribute__(self, name):
            clock.now += 0.001 * (name == "shape")
            return object.__getattribute__(self, name)

    live, looked = Live(), []
    for _ in range(40 * BURST):
        before = live.seconds
        live.called((Slow(),))
        looked.append(live.seconds > before)
        clock.now += 0.001
    assert live.count == len(looked)
    assert all(looked[:BURST])
    assert not live.is_every
    assert sum(looked) * 0.001 <= SHARE * clock.now + 0.001 * BURST


def test_very_short_steps_have_no_hook_between_looks_and_get_it_back(monkeypatch, dashboard, model):
    timers = []

    class Timer:
        def __init__(self, seconds, wake):
            self.seconds, self.start = seconds, lambda: timers.append((seconds, wake))

    monkeypatch.setattr("shapewidget.frameworks.torch.follow.threading.Timer", Timer)
    monkeypatch.setattr("shapewidget.probing.live.SHARE", 1e-9)
    dashboard.live = True
    for _ in range(BURST + 20):
        model(torch.zeros(32, 4))
    assert not model._forward_pre_hooks
    ((seconds, wake),) = timers
    assert seconds > 1
    wake()
    assert len(model._forward_pre_hooks) == 1
    dashboard.live = False
    wake()
    assert not model._forward_pre_hooks


def test_batches_are_not_numbered_as_if_every_call_had_been_seen(clock):
    live, switch = Live(), LiveSwitch(lambda _: None)
    for _ in range(BURST):
        live.called((torch.zeros(32, 4),), told=1.0)
    clock.now += 1e6
    live.called((torch.zeros(7, 4),))
    switch.say(live)
    assert switch.text.value == "⚠ looked-at batch 100 differs: (7, 4), the first had (32, 4)"


def test_live_counts_neither_probes_nor_copies_nor_captured_calls(dashboard, model):
    dashboard.live = True
    shapewidget.probe(model, torch.randn(3, 4))
    copy.deepcopy(model)(torch.randn(3, 4))
    with shapewidget.capture():
        model(torch.randn(3, 4))
    assert not dashboard.live_batches


def test_live_model_can_be_saved(dashboard, model):
    dashboard.live = True
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    again = torch.load(file, weights_only=False)
    assert again(torch.randn(2, 4)).shape == (2, 1)


def test_live_ends_with_the_dashboard_and_holds_nothing(model):
    made = Dashboard(Session(model, torch.randn(6, 4)))
    made.live = True
    made.close()
    assert not model._forward_pre_hooks


def test_what_follows_a_model_does_not_keep_it():
    live, model = Live(), nn.Linear(4, 1)
    Session(model, torch.randn(2, 4)).follow(live.called)
    model(torch.randn(2, 4))
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert live.count == 1
    assert gone() is None
