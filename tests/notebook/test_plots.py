import html
import itertools
import subprocess
import sys
from dataclasses import replace

import pytest

from shapewidget.graph.anchored import Estimate
from shapewidget.graph.costs import Measurement, Memory, StepParts, Timing
from shapewidget.notebook import units
from shapewidget.notebook.plot_frame import SizeAxis
from shapewidget.notebook.plots import memory_figure, timing_figure
from shapewidget.notebook.predicted import curve_sizes
from shapewidget.probing.predictor import Prediction

BATCH = SizeAxis("B", "batch size")
MIB = 2**20
FIGURES = pytest.mark.parametrize("draw", [memory_figure, timing_figure])


def point(size, *, seconds=0.02, mib=10):
    memory = Memory(mib * MIB, mib * MIB, 2 * mib * MIB, size * MIB, (mib + 1) * MIB, "measured")
    forward, step = (Timing(s, 0.9 * s, 1.2 * s, 7) for s in (seconds / 4, seconds))
    return Measurement({"B": size, "T": 50}, "cpu", forward, step, memory)


def failed(size, refusal="does not fit on cpu: 3 GiB more were asked for than there are.", *, fits=False):
    return Measurement({"B": size, "T": 50}, "cpu", None, None, None, refusal, fits)


def trace(figure, name):
    return next(each for each in figure.data if each.name == name)


def predicted(size):
    peak = Estimate(40.0 * MIB + size * MIB, 40 * MIB, 50 * MIB + size * MIB)
    return Prediction({"B": size, "T": 50}, None, peak, Estimate(0.005, 0.004, 0.006), Estimate(0.02, 0.01, 0.03))


class TestPredicted:
    @pytest.mark.parametrize(("draw", "name"), [(memory_figure, "peak"), (timing_figure, "training step")])
    def test_a_dashed_curve_with_its_band_goes_beyond_the_points(self, draw, name):
        figure = draw([point(8)], BATCH, {"B": 8}, [predicted(size) for size in (2, 8, 32)])
        curve, band = trace(figure, f"{name}, predicted"), trace(figure, f"band of {name}")
        assert list(curve.x) == [2, 8, 32]
        assert curve.line.dash == "dash"
        assert (len(band.x), band.fill) == (6, "toself")
        assert "predicted" in curve.hovertext[0]
        assert "9 of 10 in" in curve.hovertext[0]
        low, high = figure.layout.xaxis.range
        assert 10**low < 2 < 32 < 10**high

    @FIGURES
    def test_a_curve_is_drawn_where_nothing_was_measured(self, draw):
        figure = draw([], BATCH, {"B": 8}, [predicted(size) for size in (2, 8, 32)])
        assert figure.layout.yaxis.showticklabels

    def test_a_curve_has_the_shown_sizes_and_the_current_one(self):
        sizes = curve_sizes([2, 200], 30)
        assert (min(sizes), max(sizes)) == (2, 200)
        assert 30 in sizes
        assert len(sizes) <= 26


class TestMemory:
    def test_five_parts_are_stacked_to_the_peak_in_one_unit(self):
        figure = memory_figure([point(8), point(16)], BATCH, {"B": 8})
        parts = ["parameters", "gradients", "optimiser state", "activations", "workspace"]
        assert [each.name for each in figure.data] == [*parts, "peak"]
        assert figure.layout.barmode == "stack"
        assert list(trace(figure, "peak").y) == [48, 56]
        assert [sum(trace(figure, part).y[index] for part in parts) for index in (0, 1)] == [48, 56]
        assert figure.layout.yaxis.title.text == "peak memory (MiB)"

    def test_points_are_sorted_and_the_later_of_two_counts(self):
        figure = memory_figure([point(16), point(4), point(16, mib=1)], BATCH, {"B": 4})
        assert list(trace(figure, "peak").x) == [4, 16]
        assert list(trace(figure, "peak").y) == [44, 20]

    def test_hovering_tells_sizes_and_all_parts(self):
        (text,) = trace(memory_figure([point(8)], BATCH, {"B": 8}), "peak").hovertext
        assert "batch size 8, T 50, cpu" in text
        assert "optimiser state 20.0 MiB" in text
        assert "peak 48.0 MiB" in text
        assert "forward pass alone 11.0 MiB" in text

    def test_the_device_is_full_at_a_line_only_where_it_is_in_sight(self):
        points = [point(8), point(16)]
        assert memory_figure(points, BATCH, {"B": 8}, capacity=50 * MIB).layout.shapes[-1].y0 == 50
        far = memory_figure(points, BATCH, {"B": 8}, capacity=5000 * MIB)
        assert all(shape.y0 != 5000 for shape in far.layout.shapes)

    def test_an_estimate_is_called_one(self):
        guess = replace(point(8).memory, is_estimate=True, how="Estimated, as the device tells no peak.")
        figure = memory_figure([replace(point(8), memory=guess)], BATCH, {"B": 8})
        assert figure.layout.yaxis.title.text.startswith("peak memory, estimated")
        assert "Estimated, as the device tells no peak." in trace(figure, "peak").hovertext[0]
        assert "estimated" not in memory_figure([point(8)], BATCH, {"B": 8}).layout.yaxis.title.text

    @pytest.mark.parametrize("sizes", [(8,), (8, 16), (1, 2, 3, 4, 64)])
    def test_bars_do_not_overlap(self, sizes):
        bars = trace(memory_figure([point(size) for size in sizes], BATCH, {"B": 8}), "parameters")
        edges = [(x + left, x + left + width) for x, left, width in zip(bars.x, bars.offset, bars.width, strict=True)]
        assert all(left < size < right for size, (left, right) in zip(sizes, edges, strict=True))
        assert all(one[1] < two[0] for one, two in itertools.pairwise(edges))


class TestTiming:
    def test_medians_come_with_their_quartiles_in_milliseconds(self):
        step = trace(timing_figure([point(8)], BATCH, {"B": 8}), "training step")
        assert step.y[0] == pytest.approx(20)
        assert step.error_y.array[0] == pytest.approx(4)
        assert step.error_y.arrayminus[0] == pytest.approx(2)

    def test_forward_pass_and_training_step_are_told_apart_by_more_than_colour(self):
        figure = timing_figure([point(8), point(16)], BATCH, {"B": 8})
        forward, step = trace(figure, "forward pass"), trace(figure, "training step")
        assert forward.line.color != step.line.color
        assert forward.marker.symbol != step.marker.symbol

    def test_hovering_tells_repeats_and_throughput(self):
        (text,) = trace(timing_figure([point(8)], BATCH, {"B": 8}), "training step").hovertext
        assert "half of 7 repeats in 18.0 ms – 24.0 ms" in text
        assert "400 samples/s" in text

    def test_a_point_without_a_training_step_keeps_its_forward_pass(self):
        whole = point(8)
        partly = Measurement(
            whole.sizes, "cpu", whole.forward, None, whole.memory, "No training step was made: frozen."
        )
        figure = timing_figure([partly], BATCH, {"B": 8})
        assert len(trace(figure, "training step").y) == 0
        assert "No training step was made" in trace(figure, "forward pass").hovertext[0]


@FIGURES
class TestBoth:
    def test_what_does_not_fit_is_marked_above_all_that_does(self, draw):
        figure = draw([point(8), failed(16), failed(32)], BATCH, {"B": 8})
        marks = trace(figure, "failed")
        assert list(marks.x) == [16, 32]
        assert list(marks.text) == ["does not fit", ""]
        highest = max(max(each.y) for each in figure.data if each is not marks)
        assert highest < marks.y[0] < figure.layout.yaxis.range[1]
        assert "3 GiB more" in marks.hovertext[0]

    def test_what_raised_is_not_said_to_be_too_large(self, draw):
        marks = trace(draw([failed(8, "The model raised E: text", fits=True)], BATCH, {"B": 8}), "failed")
        assert list(marks.text) == ["did not run"]

    def test_text_of_a_model_is_never_markup(self, draw):
        refusal = "The model raised E: <img src=x onerror=alert(1)>"
        figure = draw([failed(8, refusal, fits=True)], SizeAxis("B", "<a href='x'>batch</a>"), {"B": 8})
        assert "<img" not in figure.to_json().replace("\\u003c", "<")
        assert html.escape("<a href='x'>batch</a>") == figure.layout.xaxis.title.text

    def test_the_current_size_is_in_range_and_marked_also_when_it_is_not_measured(self, draw):
        figure = draw([point(8), point(16)], BATCH, {"B": 100, "T": 50})
        (line,) = figure.layout.shapes
        assert line.x0 == line.x1 == 100
        assert figure.layout.xaxis.range[0] < 0.9 < 2 < figure.layout.xaxis.range[1]
        assert figure.layout.xaxis.ticktext[-1] == "<b>100</b>"

    @pytest.mark.parametrize(("here", "ticks"), [({}, [1, 66, 512]), ({"B": 65}, [1, 65, 512])])
    def test_ticks_leave_each_other_room_and_the_current_one_stays(self, draw, here, ticks):
        figure = draw([point(size) for size in (1, 64, 65, 66, 512)], BATCH, here)
        assert list(figure.layout.xaxis.tickvals) == ticks

    def test_one_point_and_none_are_figures_too(self, draw):
        one, none = draw([point(8)], BATCH, {"B": 8}), draw([], BATCH, {"B": 8})
        assert one.layout.yaxis.range[0] == 0 < one.layout.yaxis.range[1]
        assert none.layout.annotations[0].text == "nothing measured yet"
        assert not none.layout.yaxis.showticklabels

    def test_nothing_hides_what_is_behind_the_figure(self, draw):
        layout = draw([point(8)], BATCH, {"B": 8}).layout
        assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0, 0, 0, 0)"

    def test_only_what_the_basic_bundle_draws_is_used(self, draw):
        figure = draw([point(8), failed(16)], BATCH, {"B": 8})
        assert {each.type for each in figure.data} <= {"scatter", "bar", "pie"}


def test_plotly_is_imported_by_a_figure_only():
    program = "import sys, shapewidget.notebook.plots; assert 'plotly' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(sys.path)})


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 B"), (1023, "1,023 B"), (1024, "1.00 KiB"), (151 * MIB + 400_000, "151 MiB"), (2**31, "2.00 GiB")],
)
def test_bytes_are_said_in_powers_of_1024(size, words):
    assert units.in_bytes(size) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(2.5e-5, "25.0 µs"), (0.0393, "39.3 ms"), (1, "1.00 s"), (125.2, "125 s")]
)
def test_durations_are_said_in_three_digits(seconds, words):
    assert units.in_seconds(seconds) == words


def test_hovering_tells_throughput_and_the_share_of_the_peak():
    timed = replace(point(8), flops=4_000_000)
    figure = timing_figure([timed], BATCH, {"B": 8}, peak_flops=400e6)
    (text,) = trace(figure, "training step").hovertext
    assert "400 samples/s, 20,000 tokens/s" in text
    assert "0.2 GFLOP/s, 50% of the most that was measured here" in text


def test_hovering_over_a_training_step_tells_its_parts():
    parts = StepParts(*(Timing(seconds, seconds, seconds, 7) for seconds in (0.005, 0.012, 0.003)))
    figure = timing_figure([replace(point(8), parts=parts)], BATCH, {"B": 8})
    (step,), (forward,) = (trace(figure, name).hovertext for name in ("training step", "forward pass"))
    assert "forward 5.00 ms, backward 12.0 ms, optimiser 3.00 ms" in step
    assert "optimiser" not in forward
