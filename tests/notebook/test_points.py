import pytest

from shapewidget.errors import Cancelled
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


class Session:
    def __init__(self, clock, seconds=lambda sizes: 0.1, fits=lambda sizes: True, runs=True):
        self.clock, self.seconds, self.fits, self.runs, self.measured = clock, seconds, fits, runs, []

    def measure(self, sizes, cancelled):
        if cancelled():
            raise Cancelled("Measure again.")
        self.measured.append(sizes["B"])
        self.clock.now += self.seconds(sizes)
        return Measurement(dict(sizes), "cpu", RAN if self.runs else None, None, None, fits=self.fits(sizes))


def go_round(session, sizes=SIZES, high=512):
    points = Points(session)
    points.measure(sizes, lambda: False)
    for point in points.beside(sizes, "B", 1, high):
        points.measure(point, lambda: False)
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
    session = Session(clock)
    go_round(session)
    assert session.measured == [8, 2, 4, 16, 32]


def test_points_leaves_out_what_would_take_too_long(clock):
    session = Session(clock, seconds=lambda sizes: sizes["B"] / 8)
    go_round(session)
    assert session.measured == [8, 2, 4]


def test_points_counts_what_the_neighbours_did_take(clock):
    session = Session(clock, seconds=lambda sizes: 0.4 if sizes["B"] == 8 else 0.9)
    go_round(session)
    assert session.measured == [8, 2, 4]


def test_points_of_a_slow_model_is_the_chosen_one_alone(clock):
    session = Session(clock, seconds=lambda sizes: 60)
    go_round(session)
    assert session.measured == [8]


def test_points_goes_no_further_than_memory(clock):
    session = Session(clock, fits=lambda sizes: sizes["B"] <= 8)
    go_round(session)
    assert session.measured == [8, 2, 4, 16]


def test_points_goes_no_further_when_the_chosen_one_does_not_fit(clock):
    session = Session(clock, fits=lambda sizes: sizes["B"] <= 4)
    go_round(session)
    assert session.measured == [8, 2, 4]


def test_points_measures_nothing_twice(clock):
    session = Session(clock)
    points = go_round(session)
    points.measure(SIZES, lambda: False)
    assert list(points.beside(SIZES, "B", 1, 512)) == []
    assert session.measured == [8, 2, 4, 16, 32]


def test_points_keeps_nothing_of_a_cancelled_measurement(clock):
    session = Session(clock)
    points = Points(session)
    with pytest.raises(Cancelled):
        points.measure(SIZES, lambda: True)
    assert points.measured == []
    points.measure(SIZES, lambda: False)
    assert session.measured == [8]


def test_points_along_an_axis_agree_in_all_other_sizes(clock):
    points = Points(Session(clock))
    for sizes in ({"B": 8, "T": 10}, {"B": 16, "T": 10}, {"B": 8, "T": 20}):
        points.measure(sizes, lambda: False)
    assert [point.sizes for point in points.along("B", SIZES)] == [{"B": 8, "T": 10}, {"B": 16, "T": 10}]
    assert [point.sizes for point in points.along("T", SIZES)] == [{"B": 8, "T": 10}, {"B": 8, "T": 20}]
    assert points.along("unknown", SIZES) == []


def test_model_that_does_not_run_is_not_tried_at_other_sizes(clock):
    session = Session(clock, runs=False)
    go_round(session)
    assert session.measured == [8]
