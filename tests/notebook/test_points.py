import pytest

from shapewidget.graph.costs import Measurement, Timing
from shapewidget.notebook import points as points_module
from shapewidget.notebook.points import Points, neighbours

SIZES = {"B": 8, "T": 10}
RAN = Timing(0.1, 0.1, 0.1, 3)


class Clock:
    """Stands still but for what a measurement takes."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(points_module, "time", clock)
    return clock


class Costs:
    def __init__(self, clock, seconds=lambda sizes: 0.1, fits=lambda sizes: True, runs=True):
        self.clock, self.seconds, self.fits, self.runs, self.measured = clock, seconds, fits, runs, []

    def measuring(self, sizes, effort):
        yield
        self.measured.append(sizes["B"])
        self.clock.now += self.seconds(sizes)
        return Measurement(dict(sizes), "cpu", RAN if self.runs else None, None, None, fits=self.fits(sizes))


def measure(points, sizes):
    for _ in points.measuring(sizes):
        pass


def go_round(costs, sizes=SIZES, high=512):
    points = Points(costs)
    measure(points, sizes)
    for point in points.beside(sizes, "B", 1, high):
        measure(points, point)
    return points


@pytest.mark.parametrize(
    ("size", "low", "high", "expected"),
    [
        (32, 1, 512, [8, 16, 64, 128]),
        (3, 1, 512, [1, 6, 12]),
        (1, 1, 512, [2, 4]),
        (512, 1, 512, [128, 256]),
        (9, 4, 20, [4, 18]),
        (1, 1, 1, []),
    ],
)
def test_neighbours_are_halves_and_doubles_within_the_bounds(size, low, high, expected):
    assert neighbours(size, low, high) == expected


def test_points_measures_the_neighbours_cheapest_first(clock):
    costs = Costs(clock)
    go_round(costs)
    assert costs.measured == [8, 2, 4, 16, 32]


def test_points_leaves_out_what_would_take_too_long(clock):
    costs = Costs(clock, seconds=lambda sizes: sizes["B"] / 8)
    go_round(costs)
    assert costs.measured == [8, 2, 4]


def test_points_counts_what_the_neighbours_did_take(clock):
    costs = Costs(clock, seconds=lambda sizes: 0.4 if sizes["B"] == 8 else 0.9)
    go_round(costs)
    assert costs.measured == [8, 2, 4]


def test_points_of_a_slow_model_is_the_chosen_one_alone(clock):
    costs = Costs(clock, seconds=lambda sizes: 60)
    go_round(costs)
    assert costs.measured == [8]


def test_points_goes_no_further_than_memory(clock):
    costs = Costs(clock, fits=lambda sizes: sizes["B"] <= 8)
    go_round(costs)
    assert costs.measured == [8, 2, 4, 16]


def test_points_goes_no_further_when_the_chosen_one_does_not_fit(clock):
    costs = Costs(clock, fits=lambda sizes: sizes["B"] <= 4)
    go_round(costs)
    assert costs.measured == [8, 2, 4]


def test_points_measures_nothing_twice(clock):
    costs = Costs(clock)
    points = go_round(costs)
    measure(points, SIZES)
    assert list(points.beside(SIZES, "B", 1, 512)) == []
    assert costs.measured == [8, 2, 4, 16, 32]


def test_points_keeps_nothing_of_a_cancelled_measurement(clock):
    costs = Costs(clock)
    points = Points(costs)
    cancelled = points.measuring(SIZES)
    next(cancelled)
    cancelled.close()
    assert points.measured == []
    measure(points, SIZES)
    assert costs.measured == [8]


def test_points_along_an_axis_agree_in_all_other_sizes(clock):
    points = Points(Costs(clock))
    for sizes in ({"B": 8, "T": 10}, {"B": 16, "T": 10}, {"B": 8, "T": 20}):
        measure(points, sizes)
    assert [point.sizes for point in points.along("B", SIZES)] == [{"B": 8, "T": 10}, {"B": 16, "T": 10}]
    assert [point.sizes for point in points.along("T", SIZES)] == [{"B": 8, "T": 10}, {"B": 8, "T": 20}]
    assert points.along("unknown", SIZES) == []


def test_model_that_does_not_run_is_not_tried_at_other_sizes(clock):
    costs = Costs(clock, runs=False)
    go_round(costs)
    assert costs.measured == [8]


def test_a_point_of_a_search_is_shown_and_measured_all_the_same_when_asked_for(clock):
    points = Points(Costs(clock))
    points.note(Measurement(SIZES, "cpu", None, None, None))
    measure(points, SIZES)
    assert [point.forward for point in points.along("B", SIZES)] == [None, RAN]
    points.note(Measurement(SIZES, "cpu", None, None, None))
    assert len(points.measured) == 2
