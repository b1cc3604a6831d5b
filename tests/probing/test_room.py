"""Sizes that the host has no memory for are refused before the system kills the kernel."""

from __future__ import annotations

import pytest
import torch

from shapewidget import zoo
from shapewidget.errors import InputError
from shapewidget.probing.session import Session


@pytest.mark.parametrize("size", [60_000_000, 100_000_000])
def test_session_refuses_a_batch_that_cannot_fit(size):
    session = Session(zoo.BiLSTMTagger(), torch.randint(0, 50, (8, 16)))
    with pytest.raises(InputError, match=r"At B = [\d,]+ `\w+` alone takes [\d,.]+ GiB, and [\d,.]+ GiB are free"):
        session.probe({"B": size})
    with pytest.raises(InputError, match="Choose a smaller size"):
        session.measure({"B": size})
    assert session.sizes["B"] == 8


@pytest.mark.parametrize("size", [30_000_000_000, 10**21])
def test_session_refuses_a_size_out_of_all_proportion(size):
    session = Session(zoo.BiLSTMTagger(), torch.randint(0, 50, (8, 16)))
    for ask in (session.probe, session.measure):
        with pytest.raises(
            InputError, match=r"B = [\d,]+ is larger than any size that can be run\. Expected at most 100,"
        ):
            ask({"B": size})
    assert session.sizes["B"] == 8


def test_session_takes_a_size_that_fits():
    session = Session(zoo.BiLSTMTagger(), torch.randint(0, 50, (8, 16)))
    assert session.probe({"B": 16}).graph.sizes["B"] == 16
