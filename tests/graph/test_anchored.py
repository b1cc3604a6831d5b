import math

import pytest

from shapewidget.graph import anchored as module
from shapewidget.graph.anchored import left_out


def law(sizes):
    return 10.0 * sizes["B"]


def anchored(law, points, doubt):
    errors = [error for place in range(len(points)) for error in left_out(points, place, law)]
    return module.anchored(law, points, errors=errors, doubt=doubt)


def test_at_a_measured_point_it_is_that_point_without_a_band():
    estimate = anchored(law, [({"B": 4}, 50.0), ({"B": 8}, 90.0)], doubt=0.1).at({"B": 4})
    assert (estimate.value, estimate.lower, estimate.upper) == (50.0, 50.0, 50.0)


def test_beside_a_measured_point_it_errs_as_that_point_does():
    estimate = anchored(law, [({"B": 4}, 50.0)], doubt=0.1).at({"B": 8})
    assert estimate.value == pytest.approx(100.0)
    assert estimate.lower < 100 < estimate.upper


def test_the_band_widens_with_the_distance():
    said = anchored(law, [({"B": 4}, 50.0)], doubt=0.1)
    near, far = (said.at({"B": size}) for size in (8, 64))
    assert far.upper / far.value > near.upper / near.value > 1


def test_points_that_agree_with_the_law_narrow_the_band():
    points = [({"B": size}, 10.0 * size) for size in (1, 2, 4, 8, 16, 32, 64, 128)]
    assert anchored(law, points, doubt=0.5).at({"B": 256}).upper == pytest.approx(2560, rel=0.02)


def test_points_that_scatter_widen_it():
    points = [({"B": size}, 10.0 * size * factor) for size, factor in ((1, 1), (2, 2), (4, 0.5), (8, 1.5), (16, 0.7))]
    scattered = anchored(law, points, doubt=0.01).at({"B": 32})
    assert scattered.upper / scattered.value > 1.5


def test_without_points_it_is_the_law_with_the_doubt():
    estimate = anchored(law, [], doubt=0.1).at({"B": 4})
    assert estimate.value == 40.0
    assert estimate.upper > 40.0


def test_a_band_is_widened_by_what_measurements_scatter():
    calm, noisy = (
        module.anchored(law, [({"B": 4}, 50.0)], errors=[], doubt=0.1, noise=noise).at({"B": 8}) for noise in (0.0, 0.4)
    )
    assert calm.value == noisy.value
    assert noisy.upper / noisy.value > 1.4 > calm.upper / calm.value


def test_one_bad_error_among_many_good_ones_does_not_make_the_band():
    without, with_one, with_many = (
        module.anchored(law, [({"B": 4}, 40.0)], errors=[0.01] * 15 + bad, doubt=0.1).at({"B": 8}).upper
        for bad in ([], [0.2], [0.2] * 3)
    )
    assert 80 < without == pytest.approx(with_one)
    assert with_many > with_one * 1.1


def test_a_point_is_predicted_from_all_the_others():
    points = [({"B": 2}, 22.0), ({"B": 4}, 80.0), ({"B": 8}, 88.0)]
    (error,) = left_out(points, 1, law)
    assert error == pytest.approx(math.log(2 / 1.1) / 1.5)
    assert left_out(points[:1], 0, law) == []
