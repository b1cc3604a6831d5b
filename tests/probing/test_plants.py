"""Mistakes planted into clean programs of random sizes are found at their place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plants import KINDS, Draw

import shapewidget
from shapewidget.diagnosis.findings import Severity


def places_told(plant):
    report = shapewidget.probe(plant.model, plant.inputs, **plant.more)
    return {place for it in report.findings if it.severity is not Severity.NOTE for place in (it.layer, it.op) if place}


@pytest.mark.parametrize("kind", KINDS)
def test_probe_finds_a_planted_mistake_at_its_place(kind):
    plant = KINDS[kind](Draw(0))
    assert places_told(plant) & set(plant.places)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(kind=st.sampled_from(sorted(KINDS)), seed=st.integers(100, 100_000))
def test_probe_finds_mistakes_of_any_size(kind, seed):
    plant = KINDS[kind](Draw(seed))
    assert places_told(plant) & set(plant.places)
