import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapewidget.graph.nonnegative import nonnegative_least_squares

ROWS = [[1, 2, 0.5], [1, 5, 7], [1, 1, 3], [1, 8, 2], [1, 4, 4]]


def products(rows, coefficients):
    return [sum(part * coefficient for part, coefficient in zip(row, coefficients, strict=True)) for row in rows]


@given(st.lists(st.floats(0, 1e6), min_size=3, max_size=3))
@settings(deadline=None)
def test_sums_of_nonnegative_terms_are_found_again(coefficients):
    values = products(ROWS, coefficients)
    found = nonnegative_least_squares(ROWS, values)
    assert products(ROWS, found) == pytest.approx(values, rel=1e-4, abs=1e-4)


def test_no_coefficient_is_negative_where_the_best_one_would_be():
    found = nonnegative_least_squares(ROWS, products(ROWS, [3, -1, 2]))
    assert min(found) == 0
    assert max(found) > 0


def test_a_term_that_is_there_twice_does_no_harm():
    found = nonnegative_least_squares([[1, 1], [2, 2], [3, 3]], [2, 4, 6])
    assert sum(found) == pytest.approx(2, rel=1e-4)
