"""Sizes as expressions: solving, printing, evaluating."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapewidget.graph.dims import UNKNOWN, Dim, constant, product, solve, symbol

RUNS = (
    {"B": 32, "T": 100, "hidden": 256, "emb": 128},
    {"B": 3, "T": 7, "hidden": 259, "emb": 133},
    {"B": 5, "T": 11, "hidden": 263, "emb": 130},
)


def observed(size):
    """What three runs of a program see of a size."""
    return [(run, size(run)) for run in RUNS]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("B", lambda s: s["B"]),
        ("2·hidden", lambda s: 2 * s["hidden"]),
        ("4·hidden", lambda s: 4 * s["hidden"]),
        ("B·T", lambda s: s["B"] * s["T"]),
        ("13", lambda _: 13),
        ("T-1", lambda s: s["T"] - 1),
        ("hidden//2", lambda s: s["hidden"] // 2),
        ("T//4", lambda s: s["T"] // 4),
        ("emb+hidden", lambda s: s["emb"] + s["hidden"]),
        ("B·T·hidden", lambda s: s["B"] * s["T"] * s["hidden"]),
        ("T·T", lambda s: s["T"] ** 2),
        ("2·T+1", lambda s: 2 * s["T"] + 1),
    ],
)
def test_solve_prints_the_plainest_expression_that_fits(text, size):
    dim = solve(observed(size))
    assert dim.known
    assert all(dim.at(run) == size(run) for run in RUNS)
    assert str(dim) == text


def test_solve_says_unknown_for_a_size_that_depends_on_the_data():
    runs = list(zip(RUNS, (1291, 16, 38), strict=True))
    assert solve(runs) == UNKNOWN
    assert str(UNKNOWN) == "?"


def test_solve_prefers_a_hint_that_fits():
    runs = [({"B": 4, "T": 8}, 8), ({"B": 8, "T": 16}, 16)]
    assert solve(runs, [symbol("T")]) == symbol("T")


def test_solve_ignores_names_that_were_not_varied():
    runs = [({"B": 4, "T": 9}, 9), ({"B": 5, "T": 9}, 9)]
    assert solve(runs) == constant(9)


def test_dim_at_is_none_where_a_size_is_missing():
    assert symbol("T").at({"B": 3}) is None


def test_product_merges_axes():
    assert str(product([symbol("B"), symbol("T")])) == "B·T"
    assert product([symbol("T"), UNKNOWN]) == UNKNOWN
    assert product([constant(4), symbol("B")]) == Dim(((4, ("B",)),))


def test_product_keeps_what_is_divided_or_added_as_a_factor_of_its_own():
    less, half = Dim(((1, ("H",)),), offset=-2), Dim(((1, ("W",)),), divisor=2)
    merged = product([symbol("B"), constant(8), less, half])
    assert str(merged) == "8·B·(H-2)·(W//2)"
    assert merged.names == {"B", "H", "W"}
    assert not merged.is_constant
    assert merged.at({"B": 3, "H": 10, "W": 7}) == 8 * 3 * 8 * 3
    assert product([half, product([less, symbol("B")])]) == product([symbol("B"), less, half])
    assert product([constant(1), less]) == less


@settings(max_examples=200, deadline=None)
@given(
    factor=st.integers(1, 8),
    names=st.lists(st.sampled_from(["B", "T", "hidden", "emb"]), min_size=1, max_size=2),
    held_out=st.fixed_dictionaries({name: st.integers(1, 40) for name in ("B", "T", "hidden", "emb")}),
)
def test_solve_is_right_at_sizes_it_has_not_seen(factor, names, held_out):
    truth = Dim(((factor, tuple(sorted(names))),))
    assert solve(observed(truth.at)).at(held_out) == truth.at(held_out)
