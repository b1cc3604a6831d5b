from dataclasses import replace

import pytest

from shapewidget.frameworks.slices import finished
from shapewidget.graph.costs import Measurement, Memory, Segment, peak_of
from shapewidget.graph.memory_law import aligned, fitting_memory

NAMES = ("B", "hidden")
RUNS = [{"B": batch, "hidden": width} for batch in (2, 3, 5) for width in (16, 32, 48)]


def point(B, hidden):
    weights = 4 * hidden * hidden
    step = (
        Segment("product", 4 * B * hidden, 6 * B * hidden),
        Segment("product backward", weights - 4 * B * hidden, weights + 4 * B * hidden),
        Segment("optimiser", -weights, 2 * weights),
    )
    forward = (Segment("product", 4 * B * hidden, 4 * B * hidden),)
    kept, inputs = 4 * B * hidden, 4 * B
    beyond = peak_of(step) - weights
    memory = Memory(
        weights, weights, 2 * weights, inputs + min(kept, beyond), weights + inputs + peak_of(forward), "counted",
        max(0, beyond - kept), inputs,
    )  # fmt: skip
    sizes = {"B": B, "hidden": hidden}
    return Measurement(sizes, "cpu", None, None, memory, forward_timeline=forward, step_timeline=step)


@pytest.mark.parametrize("sizes", [{"B": 512, "hidden": 64}, {"B": 1, "hidden": 1024}, {"B": 100, "hidden": 100}])
def test_parts_and_peak_are_those_of_a_run_wherever_the_peak_is(sizes):
    law = finished(fitting_memory([point(**run) for run in RUNS], NAMES))
    said, measured = law.at(sizes), point(**sizes).memory
    for part in ("parameters", "gradients", "optimizer_state", "activations", "workspace", "inputs", "forward_peak"):
        assert getattr(said, part) == pytest.approx(getattr(measured, part), rel=1e-6), part


def rounded(run, device):
    """The run on a device that rounds every buffer up to 512 bytes."""

    def up(size):
        return -(-abs(size) // 512) * 512 * (1 if size > 0 else -1)

    step = tuple(Segment(name, up(net), up(peak)) for name, net, peak in run.step_timeline)
    return replace(run, device=device, step_timeline=step)


def test_buffers_that_a_gpu_rounds_up_do_not_spoil_the_law():
    run = {"B": 512, "hidden": 512}
    measured = peak_of(rounded(point(**run), "cuda:0").step_timeline)
    errors = {}
    for device in ("cpu", "cuda:0"):
        law = finished(fitting_memory([rounded(point(**run), device) for run in RUNS], NAMES))
        errors[device] = abs(max(law.basis.at(sums, run) for sums in law.step) / measured - 1)
    assert errors["cuda:0"] < 0.02
    assert errors["cuda:0"] < errors["cpu"]


def test_without_a_timeline_there_is_no_law():
    assert finished(fitting_memory([Measurement({"B": 1, "hidden": 1}, "cpu", None, None, None)], NAMES)) is None


def loop(steps):
    body = [Segment("cell", 8, 12), Segment("add", 4, 4)] * steps
    return (Segment("embedding", 100, 100), *body, Segment("head", 7, 9), *[Segment("back", -8, 3)] * steps)


def test_loops_are_cut_into_as_many_parts_in_every_run():
    runs = [loop(8), loop(16), loop(40)]
    equal = aligned(runs)
    assert {len(run) for run in equal} == {1 + 8 + 1 + 8}
    assert [run[0].name for run in equal] == ["embedding"] * 3
    for before, after in zip(runs, equal, strict=True):
        assert sum(segment.net for segment in after) == sum(segment.net for segment in before)
        assert peak_of(after) == peak_of(before)


def test_equal_runs_are_left_alone():
    runs = [loop(3), loop(3)]
    assert aligned(runs) == runs
