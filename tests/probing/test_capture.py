"""`shapewidget.capture` around code that is not ours to call."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import shapewidget


def train(model, steps=3, targets=(8,)):
    """A training loop as people write it."""
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(torch.randn(8, 6)), torch.randn(targets))
        loss.backward()
        optimizer.step()


@pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")
def test_capture_finds_a_silent_bug_once_in_a_training_loop():
    with shapewidget.capture() as report:
        train(nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 1)))
    (finding,) = report.findings
    assert (finding.code, finding.layer) == ("SW302", "mse_loss")
    assert "(8, 8)" in finding.reason
    assert str(finding.source).startswith("test_capture.py:")


def test_capture_of_a_right_training_loop_finds_nothing_and_trains():
    model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 1))
    before = model[0].weight.detach().clone()
    with shapewidget.capture() as report:
        train(model, targets=(8, 1))
    assert report.findings == ()
    assert not torch.equal(model[0].weight, before)


def test_capture_records_the_data_flow_and_not_the_upkeep_of_weights():
    with shapewidget.capture() as report:
        train(nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 1)), steps=1, targets=(8, 1))
    names = [layer.id for layer in report.graph.layers]
    assert names == ["randn", "Sequential", "Sequential.0", "Sequential.1", "Sequential.2", "randn#2", "mse_loss"]


def test_capture_explains_an_error_and_lets_it_go_on():
    model = nn.Sequential(nn.Linear(6, 4), nn.Linear(5, 1))
    with pytest.raises(RuntimeError, match="mat1 and mat2"), shapewidget.capture() as report:
        train(model)
    (finding,) = report.findings
    assert (finding.code, finding.layer, finding.expected, finding.got) == ("SW101", "Sequential.1", 5, 4)


def test_capture_swallows_the_error_on_request():
    with shapewidget.capture(reraise=False) as report:
        train(nn.Sequential(nn.Linear(6, 4), nn.Linear(5, 1)))
    assert report.stopped.startswith("RuntimeError: mat1 and mat2")


def test_capture_never_swallows_an_interrupt():
    with pytest.raises(KeyboardInterrupt), shapewidget.capture(reraise=False):
        raise KeyboardInterrupt


def test_capture_tells_two_models_of_one_class_apart():
    one, two = nn.Linear(6, 6), nn.Linear(6, 6)
    with shapewidget.capture() as report:
        two(one(torch.randn(2, 6)))
    assert [edge.target for edge in report.graph.edges] == ["Linear", "Linear (2)"]


def test_capture_keeps_no_tensor_alive():
    with shapewidget.capture():
        output = nn.Linear(6, 6)(torch.randn(2, 6))
        alive = weakref.ref(output)
        del output
        gc.collect()
        assert alive() is None


def test_capture_says_when_it_recorded_only_the_first_part():
    x = torch.randn(2)
    with shapewidget.capture() as report:
        for _ in range(5_000):
            x = x + 1
    assert report.notes == ("Only the first 4,000 operations were recorded.",)


def test_capture_leaves_out_what_a_loader_does_to_make_its_batches():
    data = TensorDataset(torch.randn(6, 3), torch.randn(6, 1))
    model = nn.Linear(3, 1)
    with shapewidget.capture() as report:
        for x, y in DataLoader(data, batch_size=2):
            nn.functional.mse_loss(model(x), y).backward()
    assert [it.id for it in report.graph.layers] == ["Linear", "targets", "mse_loss"]


def test_capture_knows_a_slice_from_what_it_was_cut_of():
    data, model = torch.randn(6, 3), nn.Linear(3, 1)
    with shapewidget.capture() as report:
        for start in range(0, 6, 2):
            model(data[start : start + 2])
    assert [(it.source, it.target) for it in report.graph.edges] == [("index", "Linear")]


def test_capture_of_a_block_without_tensors_says_that_nothing_was_recorded():
    with shapewidget.capture() as report:
        sorted([2, 1])
    assert str(report).startswith("captured code: nothing was recorded\nThe block ran no layer and no operation of ")
    assert "agree" not in report._repr_html_()


def test_capture_without_a_framework_says_what_to_import():
    code = "import shapewidget\nshapewidget.capture()"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Import torch before the block" in result.stderr


def by_hand(name, compare):
    return pytest.param(compare, id=name)


def test_loss_without_a_module_is_called_as_any_other():
    loss = eval("lambda o, t: ((o - t) ** 2).mean()", {"__name__": None})
    assert shapewidget.probe(nn.Linear(3, 1), torch.randn(4, 3), targets=torch.randn(4, 1), loss=loss).ok


def findings_of_a_loop(compare):
    model, x, y = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1)), torch.randn(32, 3), torch.randn(32)
    with shapewidget.capture() as report:
        for start in range(0, 32, 8):
            compare(model(x[start : start + 8]), y[start : start + 8]).backward()
    return [it.code for it in report.findings]


@pytest.mark.parametrize(
    "compare",
    [
        by_hand("squares", lambda o, t: ((o - t) ** 2).mean()),
        by_hand("absolute values", lambda o, t: (t - o).abs().sum()),
        by_hand("functions", lambda o, t: torch.mean(torch.square(o - t))),
    ],
)
def test_capture_finds_a_loss_by_hand_that_broadcasts(compare):
    assert findings_of_a_loop(compare) == ["SW302"]


def test_capture_draws_a_broadcast_of_every_step_once():
    model = nn.Linear(3, 1)
    with shapewidget.capture() as report:
        for _ in range(3):
            ((model(torch.randn(8, 3)) - torch.randn(8)) ** 2).mean().backward()
    assert [it.name for it in report.graph.layers].count("sub") == 1
    assert [it.state.value for it in report.graph.into("sub")].count("coincidence") == 1


@pytest.mark.parametrize(
    "compare",
    [
        by_hand("one shape", lambda o, t: ((o - t.unsqueeze(1)) ** 2).mean()),
        by_hand("outputs against their own", lambda o, t: ((o - o.squeeze()) ** 2).mean()),
        by_hand("a scale", lambda o, t: (o / torch.tensor([1.0, 2.0])).mean()),
        by_hand("pairs of targets", lambda o, t: (t.unsqueeze(1) - t).abs().mean() + o.mean()),
    ],
)
def test_capture_lets_a_loss_by_hand_broadcast_on_purpose(compare):
    assert findings_of_a_loop(compare) == []


SCORER, CLASSIFIER = nn.Linear(3, 1), nn.Linear(3, 4)


def hits_found(count):
    with shapewidget.capture() as report:
        count(torch.randn(8, 3), torch.randint(0, 2, (8,)))
    return [(it.code, it.layer) for it in report.findings]


@pytest.mark.parametrize(
    ("count", "layer"),
    [
        pytest.param(lambda x, y: ((SCORER(x) > 0) == y).sum().item(), "eq", id="signs"),
        pytest.param(lambda x, y: CLASSIFIER(x).topk(1).indices.ne(y).float().mean(), "ne", id="errors"),
        pytest.param(
            lambda x, y: (SCORER(x)[:, 0].round() == y[:, None]).count_nonzero(), "eq", id="labels with an axis"
        ),
        pytest.param(lambda x, y: (SCORER(x) > y.float()).double().mean(), "gt", id="exceeded"),
    ],
)
def test_capture_finds_hits_counted_over_all_pairs(count, layer):
    assert hits_found(count) == [("SW302", layer)]


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(lambda x, y: (CLASSIFIER(x).argmax(1) == y).float().mean(), id="own labels"),
        pytest.param(lambda x, y: ((y[:, None] == y) * (CLASSIFIER(x) @ CLASSIFIER(x).T)).mean(), id="mask of pairs"),
        pytest.param(lambda x, y: (SCORER(x) > SCORER(x)[:, 0]).float().mean(), id="ranks"),
        pytest.param(lambda x, y: (SCORER(x) > torch.linspace(0, 1, 5)).float().mean(), id="thresholds"),
        pytest.param(lambda x, y: (CLASSIFIER(x).argmax(1, keepdim=True) == y).any(1), id="whether it occurs"),
    ],
)
def test_capture_leaves_pairs_on_purpose_alone(count):
    assert hits_found(count) == []
