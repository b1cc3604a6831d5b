import pytest

from shapewidget.graph.polynomials import Basis, byte_terms

NAMES = ("B", "T", "hidden")
RUNS = tuple(
    {"B": batch, "T": length, "hidden": width}
    for batch, length, width in (
        (2, 16, 64), (4, 16, 64), (2, 32, 64), (2, 16, 32), (4, 32, 32), (2, 16, 128), (8, 16, 128), (2, 64, 32),
        (4, 16, 32), (8, 64, 64), (2, 32, 128), (8, 32, 32), (4, 64, 128), (16, 16, 64),
    )
)  # fmt: skip
FAR = {"B": 300, "T": 700, "hidden": 900}


def fitted(function, bends=()):
    basis = Basis(NAMES, byte_terms(NAMES), RUNS, bends)
    coefficients = basis.fit([function(**run) for run in RUNS])
    return sum(coefficient * part for coefficient, part in zip(coefficients, basis.row(FAR), strict=True))


def test_terms_hold_the_batch_once_and_no_more_than_two_other_sizes():
    terms = byte_terms(NAMES)
    assert max(batch for batch, _, _ in terms) == 1
    assert max(length + width for _, length, width in terms) == 2
    assert len(terms) == 12
    assert byte_terms(("B",)) == ((0,), (1,))


@pytest.mark.parametrize(
    "function",
    [
        lambda B, T, hidden: 4 * B * T * hidden,
        lambda B, T, hidden: 4 * B * T * (2 * hidden + 13) + 8,
        lambda B, T, hidden: 4 * hidden * (hidden + 100) - 4 * B * hidden,
        lambda B, T, hidden: 8 * B * T * T + 4 * T * hidden,
        lambda B, T, hidden: 0,
    ],
)
def test_sizes_of_tensors_are_exact_far_from_the_runs(function):
    assert fitted(function) == pytest.approx(function(**FAR), rel=1e-9)


def test_bytes_that_are_rounded_up_are_near():
    def padded(B, T, hidden):
        return 4 * B * T * (-(-hidden // 48) * 48)

    assert fitted(padded) == pytest.approx(padded(**FAR), rel=0.15)


def test_a_buffer_as_wide_as_the_larger_of_two_is_found_with_its_bend():
    def shared(B, T, hidden):
        return B * T * (60 * hidden + 20 * max(hidden, 64))

    assert fitted(shared, bends=(("hidden", 64),)) == pytest.approx(shared(**FAR), rel=1e-4)


def test_few_runs_still_tell_one_term():
    basis = Basis(NAMES, byte_terms(NAMES), RUNS[:4])
    coefficients = basis.fit([12 * run["B"] * run["hidden"] for run in RUNS[:4]])
    row = basis.row(FAR)
    said = sum(coefficient * part for coefficient, part in zip(coefficients, row, strict=True))
    assert said == 12 * 300 * 900
