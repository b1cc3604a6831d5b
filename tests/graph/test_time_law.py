import pytest

from shapewidget.graph.time_law import fit_time

NAMES = ("B", "T", "hidden")


def seconds(B, T, hidden):
    return 1e-4 + 2e-6 * T + 3e-10 * B * T * hidden * hidden + 1e-9 * T * hidden * hidden


def runs(*sizes):
    return [
        ({"B": batch, "T": length, "hidden": width}, seconds(batch, length, width)) for batch, length, width in sizes
    ]


FEW = runs((8, 32, 128), (4, 32, 128), (8, 16, 128), (8, 32, 64))
MANY = runs(*((batch, length, width) for batch in (1, 8, 64) for length in (16, 64) for width in (32, 128, 512)))


def test_many_runs_give_the_law_that_they_follow():
    law = fit_time(MANY, NAMES)
    sizes = {"B": 200, "T": 300, "hidden": 300}
    assert law.at(sizes) == pytest.approx(seconds(**sizes), rel=0.02)


def test_four_runs_say_twice_every_size_nearly():
    law = fit_time(FEW, NAMES)
    for sizes in ({"B": 16, "T": 32, "hidden": 128}, {"B": 8, "T": 64, "hidden": 128}):
        assert law.at(sizes) == pytest.approx(seconds(**sizes), rel=0.2)


def test_no_size_makes_a_run_shorter():
    law = fit_time([*FEW, ({"B": 64, "T": 32, "hidden": 128}, 1e-5)], NAMES)
    assert min(law.coefficients) >= 0


def test_a_bad_run_counts_little():
    spoilt = [(sizes, value * (5 if place == 3 else 1)) for place, (sizes, value) in enumerate(MANY)]
    sizes = {"B": 32, "T": 64, "hidden": 256}
    assert fit_time(spoilt, NAMES).at(sizes) == pytest.approx(seconds(**sizes), rel=0.25)


def test_a_model_without_a_sequence_has_its_own_terms():
    points = [({"B": batch, "width": width}, 1e-3 + 1e-7 * batch * width) for batch in (2, 8, 64) for width in (16, 64)]
    assert fit_time(points, ("B", "width")).at({"B": 256, "width": 256}) == pytest.approx(1e-3 + 1e-7 * 65536, rel=0.02)


def test_attention_grows_with_the_square_of_the_sequence():
    points = [
        ({"B": batch, "T": length}, 1e-3 + 1e-8 * batch * length**2) for batch in (2, 8, 32) for length in (16, 64, 256)
    ]
    said = fit_time(points, ("B", "T"), attention=True).at({"B": 8, "T": 2048})
    assert said == pytest.approx(1e-3 + 8e-8 * 2048**2, rel=0.05)
