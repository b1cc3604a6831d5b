import json
import math

import numpy
import pytest
import torch
from fingerprint import fingerprint
from sweep_models import Scorer, inputs
from torch import nn

import shapewidget
from shapewidget import zoo
from shapewidget.errors import InputError
from shapewidget.graph.costs import Measurement, StepParts, Timing
from shapewidget.notebook.sweep_plots import comparison_figure, sweep_figure
from shapewidget.probing.grid import SweepAxis
from shapewidget.probing.sweep_rows import row_of

TOKENS = torch.randint(0, 50, (4, 8))


def tagger():
    return zoo.BiLSTMTagger(vocab=50, emb=8, hidden=8)


def swept(model, batch, **sizes):
    return shapewidget.sweep(model, batch, progress=False, **sizes)


@pytest.fixture(scope="module")
def grid():
    return swept(tagger(), TOKENS, batch_size=[2, 4], sequence_length=[5, 9], hidden_size=16)


class TestPoints:
    def test_every_combination_is_measured_in_order(self, grid):
        at = [(point.sizes["B"], point.sizes["T"], point.sizes["hidden"]) for point in grid.points]
        assert at == [(2, 5, 16), (2, 9, 16), (4, 5, 16), (4, 9, 16)]
        assert all(point.step is not None and point.memory is not None for point in grid.points)
        assert grid.pending == ()

    def test_memory_grows_with_the_batch_and_weights_do_not(self, grid):
        small, _, large, _ = grid.points
        assert large.memory.activations > small.memory.activations
        assert large.memory.parameters == small.memory.parameters

    def test_forward_mode_makes_no_training_step(self):
        (point,) = swept(tagger(), TOKENS, batch_size=3, mode="forward").points
        assert point.forward is not None
        assert (point.step, point.memory.gradients, point.refusal) == (None, 0, "")

    def test_any_other_argument_is_varied(self):
        class Stack(nn.Module):
            def __init__(self, width=6, depth=1, activation="relu"):
                super().__init__()
                self.depth, self.activation = depth, activation
                self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))

            def forward(self, x):
                for layer in self.layers:
                    x = getattr(torch, self.activation)(layer(x))
                return x

        sweep = swept(Stack(), torch.randn(4, 6), depth=[1, 3], activation=["relu", "tanh"])
        assert [point.memory.parameters for point in sweep.points] == [168, 168, 504, 504]
        assert [row["activation"] for row in sweep.rows()] == ["relu", "tanh"] * 2

    def test_a_point_that_raises_is_marked_and_the_others_go_on(self):
        class Picky(Scorer):
            def forward(self, x):
                if len(x) == 3:
                    raise ValueError("three is <b>odd</b>")
                return super().forward(x)

        sweep = swept(Picky(), inputs(), batch_size=[2, 3, 4])
        assert ["three is <b>odd</b>" in point.refusal for point in sweep.points] == [False, True, False]
        assert [point.step is None for point in sweep.points] == [False, True, False]
        assert "<b>" not in sweep.plot().to_json()

    def test_a_size_that_cannot_be_built_is_marked(self):
        class Even(Scorer):
            def __init__(self, features=6, hidden=8):
                if hidden % 2:
                    raise ValueError("hidden must be even")
                super().__init__(features, hidden)

        sweep = swept(Even(), inputs(), hidden_size=[4, 5, 6])
        assert ["must be even" in point.refusal for point in sweep.points] == [False, True, False]

    def test_a_point_without_room_is_marked_and_not_run(self):
        sweep = swept(tagger(), TOKENS, hidden_size=[8, 10**7, 16])
        assert [point.fits for point in sweep.points] == [True, False, True]
        assert "are free" in sweep.points[1].refusal

    def test_the_model_is_left_as_found(self):
        model = tagger()
        before = fingerprint(model)
        swept(model, TOKENS, batch_size=[2, 3], hidden_size=[8, 16])
        assert fingerprint(model) == before

    def test_random_numbers_of_the_user_go_on_as_if_nothing_had_been(self):
        model = tagger()
        torch.manual_seed(7)
        expected = torch.rand(3)
        torch.manual_seed(7)
        swept(model, TOKENS, batch_size=[2, 3], hidden_size=[16])
        assert torch.equal(torch.rand(3), expected)

    def test_every_point_starts_from_the_seed(self):
        drawn = {}

        class Noisy(Scorer):
            def forward(self, x):
                drawn.setdefault(len(x), torch.rand(1).item())
                return super().forward(x)

        swept(Noisy(), inputs(), batch_size=[2, 3], seed=5)
        assert drawn[2] == drawn[3]


class TestBadInput:
    @pytest.mark.parametrize("size", [0, -4, 2.5, math.nan, math.inf, True, "8", None, [8, 0], 10**9])
    @pytest.mark.parametrize("keyword", ["batch_size", "sequence_length", "hidden_size"])
    def test_a_size_that_is_none_is_refused_before_anything_runs(self, keyword, size):
        class Untouchable(nn.LSTM):
            def __call__(self, *args, **kwargs):
                raise AssertionError("it was run")

        with pytest.raises(InputError, match=keyword if size is not None else "Nothing is varied"):
            swept(Untouchable(3, 3), torch.randn(2, 4, 3), **{keyword: size})

    @pytest.mark.parametrize("size", [0, -4, 2.5, math.nan, True, "8", 10**9])
    def test_a_size_argument_of_the_constructor_has_to_be_a_size_too(self, size):
        with pytest.raises(InputError, match=r"features = .* is no size|features=.* cannot be run"):
            swept(Scorer(), inputs(), features=[size])

    def test_sizes_of_numpy_are_sizes(self):
        (point,) = swept(Scorer(), inputs(), batch_size=numpy.array([2]), hidden_size=numpy.int64(4)).points
        assert (point.sizes["B"], point.sizes["hidden"], point.refusal) == (2, 4, "")

    def test_whole_floats_are_sizes(self):
        assert [point.sizes["B"] for point in swept(Scorer(), inputs(), batch_size=[2.0, 4.0]).points] == [2, 4]

    def test_a_size_that_the_model_has_not_is_named(self):
        with pytest.raises(InputError, match="sequence_length cannot be varied"):
            swept(Scorer(), inputs(), sequence_length=[4])
        with pytest.raises(InputError, match="colour cannot be varied: the Scorer has no such argument"):
            swept(Scorer(), inputs(), colour=["red"])

    def test_an_unknown_mode_is_refused(self):
        with pytest.raises(InputError, match='Expected "train" or "forward"'):
            swept(Scorer(), inputs(), batch_size=2, mode="eval")

    def test_nothing_to_vary_is_refused(self):
        with pytest.raises(InputError, match="Nothing is varied"):
            swept(Scorer(), inputs())


class TestCancelling:
    def test_an_interrupt_keeps_what_there_is_and_resume_goes_on(self):
        class Interrupted(Scorer):
            interrupts = 1

            def forward(self, x):
                if len(x) == 3 and type(self).interrupts:
                    type(self).interrupts = 0
                    raise KeyboardInterrupt
                return super().forward(x)

        sweep = swept(Interrupted(), inputs(), batch_size=[2, 3, 4])
        assert sweep.is_cancelled
        assert [point.sizes["B"] for point in sweep.points] == [2]
        assert list(sweep.pending) == [{"B": 3}, {"B": 4}]
        assert "1 of 3 points" in repr(sweep)
        sweep.resume(progress=False)
        assert not sweep.is_cancelled
        assert [point.sizes["B"] for point in sweep.points] == [2, 3, 4]

    def test_it_ends_within_one_call_of_the_model(self):
        calls, sweeps = [], []

        class Counting(Scorer):
            def forward(self, x):
                calls.append(len(x))
                if len(calls) > 20:
                    sweeps[0].cancel()
                return super().forward(x)

        sweep = shapewidget.sweep(
            Counting(), inputs(), batch_size=[2, 3, 4], progress=False, observer=lambda sweep: sweeps.append(sweep)
        )
        assert sweep.is_cancelled
        assert len(sweep.points) == 1


class TestOutput:
    def test_a_table_has_a_row_for_every_point(self, grid):
        table = grid.to_pandas()
        assert list(table["batch_size"]) == [2, 2, 4, 4]
        assert (table["tokens_per_second"] > table["samples_per_second"]).all()
        assert (table["peak_bytes"] > 0).all()

    def test_a_table_tells_where_a_step_goes_and_how_much_of_the_machine_it_uses(self, grid):
        table = grid.to_pandas()
        for part in ("step_forward", "step_backward", "step_update"):
            assert (table[f"{part}_lower"] <= table[f"{part}_seconds"]).all()
            assert (table[f"{part}_seconds"] > 0).all()
        assert (table["flops"].diff().dropna() != 0).all()
        assert (table["flops_per_second"] == table["flops"] / table["step_seconds"]).all()
        assert (table["share_of_peak"] > 0).all()

    @pytest.mark.parametrize(
        ("column", "title"),
        [
            ("step_backward_seconds", "step backward (ms)"),
            ("tokens_per_second", "tokens per second"),
            ("flops", "MFLOP"),
            ("flops_per_second", "GFLOP/s"),
            ("share_of_peak", "share of the most FLOP/s that were measured (%)"),
        ],
    )
    def test_every_quantity_has_its_unit(self, column, title):
        axes = [SweepAxis("batch_size", "B", (2, 4))]
        timing = Timing(0.002, 0.001, 0.003, 5)
        parts = StepParts(timing, timing, timing)
        points = [
            Measurement({"B": size, "T": 3}, "cpu", timing, timing, None, flops=4_000_000, parts=parts, peak_flops=8e9)
            for size in (2, 4)
        ]
        figure = sweep_figure(axes, [row_of(point, axes) for point in points], column, "Net")
        assert figure.layout.yaxis.title.text == title

    def test_json_is_strict_and_has_everything(self, grid):
        content = json.loads(grid.to_json(), parse_constant=pytest.fail)
        assert [axis["keyword"] for axis in content["axes"]] == ["batch_size", "sequence_length", "hidden_size"]
        assert [point["sequence_length"] for point in content["points"]] == [5, 9, 5, 9]

    def test_two_axes_are_a_heat_map(self):
        sweep = swept(Scorer(), inputs(), batch_size=[2, 4], hidden_size=[8, 16, 32])
        cells, failed = sweep.plot().data
        assert list(zip(cells.base, cells.x, strict=True)) == [
            (up - 0.5, across) for up in (0, 1) for across in (0, 1, 2)
        ]
        bytes_of = [row["peak_bytes"] for row in sweep.rows()]
        assert sorted(range(6), key=cells.marker.color.__getitem__) == sorted(range(6), key=bytes_of.__getitem__)
        assert "<b>batch_size 4, hidden_size 32</b><br>peak (KiB) " in cells.hovertext[-1]
        assert len(failed.x) == 0

    def test_a_cell_of_a_heat_map_that_failed_says_why(self):
        class Picky(Scorer):
            def forward(self, x):
                if len(x) == 2:
                    raise ValueError("two is <b>odd</b>")
                return super().forward(x)

        cells, failed = swept(Picky(), inputs(), batch_size=[2, 4], hidden_size=[8, 16]).plot().data
        assert (list(cells.base), list(failed.base)) == ([0.5, 0.5], [-0.5, -0.5])
        assert "two is &lt;b&gt;odd&lt;/b&gt;" in failed.hovertext[0]
        assert list(failed.text) == ["×", "×"]

    def test_sizes_that_stand_close_are_not_all_written(self):
        figure = swept(Scorer(), inputs(), batch_size=range(1, 60), mode="forward").plot("peak_bytes")
        assert len(figure.data[0].x) == 59
        assert len(figure.layout.xaxis.tickvals) < 16

    def test_one_axis_is_a_curve_with_quartiles(self):
        figure = swept(Scorer(), inputs(), batch_size=[2, 4, 8]).plot("step_seconds")
        assert list(figure.data[0].x) == [2, 4, 8]
        assert len(figure.data[0].error_y.array) == 3

    def test_a_column_that_is_not_there_is_named(self, grid):
        with pytest.raises(InputError, match=r"'colour'\. Expected one of forward_seconds"):
            grid.plot("colour")

    def test_a_bar_is_shown_while_it_runs(self, capsys):
        shapewidget.sweep(Scorer(), inputs(), batch_size=[2, 4])
        assert "2/2" in capsys.readouterr().err

    def test_sweeps_of_two_models_are_compared_in_one_plot(self):
        one = swept(Scorer(), inputs(), batch_size=[2, 4])
        two = swept(Scorer(hidden=64), inputs(), batch_size=[4, 8])
        figure = one.plot("peak_bytes", two)
        assert [(curve.name, list(curve.x)) for curve in figure.data] == [
            ("Scorer, hidden 8", [2, 4]),
            ("Scorer, hidden 64", [4, 8]),
        ]
        assert len({curve.line.color for curve in figure.data}) == 2
        with pytest.raises(InputError, match="these are over batch_size and hidden_size"):
            one.plot("peak_bytes", swept(Scorer(), inputs(), hidden_size=[4]))

    def test_sweeps_of_one_model_with_other_settings_are_named_by_them(self):
        one = swept(Scorer(), inputs(), batch_size=[2], optimizer=torch.optim.SGD)
        two = swept(Scorer(), inputs(), batch_size=[2], optimizer=torch.optim.Adam)
        names = [curve.name for curve in one.plot("step_seconds", two, two).data]
        assert names == ["Scorer, optimizer SGD", "Scorer, optimizer Adam (2)", "Scorer, optimizer Adam (3)"]

    def test_kinds_are_bars_side_by_side(self):
        axes = [SweepAxis("cell", "cell", ("lstm", "gru")), SweepAxis("both", "both", (False, True))]
        rows = [
            {
                "cell": cell,
                "both": both,
                "peak_bytes": None if both and cell == "gru" else 4,
                "refusal": "<b>",
                "fits": True,
            }
            for cell in ("lstm", "gru")
            for both in (False, True)
        ]
        one, other, failed = sweep_figure(axes, rows, "peak_bytes", "Net", as_curves=True).data
        assert [(bars.type, bars.name, list(bars.x)) for bars in (one, other)] == [
            ("bar", "both False", ["lstm", "gru"]),
            ("bar", "both True", ["lstm"]),
        ]
        assert (list(failed.x), failed.hovertext[0]) == (["gru"], "<b>cell gru, both True</b><br>&lt;b&gt;")

    def test_models_that_are_compared_over_two_axes_differ_in_their_dashes(self):
        axes = [SweepAxis("batch_size", "B", (2, 4, 8)), SweepAxis("hidden_size", "hidden", (16, 32))]
        rows = [{"batch_size": b, "hidden_size": h, "peak_bytes": b * h} for b in (2, 4, 8) for h in (16, 32)]
        curves = comparison_figure([(axes, rows, "Net"), (axes, rows, "Net")], "peak_bytes").data
        assert [(curve.name, curve.line.color, curve.line.dash) for curve in curves] == [
            ("Net (1), hidden_size 16", "#0072B2", "solid"),
            ("Net (1), hidden_size 32", "#E69F00", "solid"),
            ("Net (2), hidden_size 16", "#0072B2", "dash"),
            ("Net (2), hidden_size 32", "#E69F00", "dash"),
        ]
