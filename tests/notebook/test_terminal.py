"""A report at a prompt: a short representation, colours where a terminal and rich are there, plain text elsewhere."""

from __future__ import annotations

import importlib.util
import io
import sys

import pytest
from IPython.lib.pretty import pretty
from rich.console import Console
from rich.text import Text

import shapewidget
from shapewidget import zoo


@pytest.fixture(scope="module")
def report():
    return shapewidget.probe(zoo.BrokenBiLSTMTagger())


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")


def test_representation_names_the_model_and_counts_the_findings(report):
    assert repr(report) == "<Report of BrokenBiLSTMTagger on cpu: 1 mismatch>"


def test_a_notebook_keeps_plain_text(report):
    assert pretty(report) == str(report)


def test_a_terminal_without_rich_shows_plain_text(report, terminal, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert pretty(report) == str(report)


def test_a_terminal_with_rich_shows_the_same_words_in_colour(report, terminal):
    shown = pretty(report)
    assert "\x1b[1;31m✕ SW101" in shown
    assert Text.from_ansi(shown).plain.split() == str(report).split()


def test_what_does_not_fit_on_a_line_goes_on_under_its_first_word(report):
    console = Console(file=io.StringIO(), width=60)
    console.print(report)
    shown = console.file.getvalue().splitlines()
    first = next(place for place, line in enumerate(shown) if line.startswith("    `head` (Linear) takes 256"))
    assert shown[first + 1].startswith("    ")
    assert shown[first + 1].strip()
    assert max(map(len, shown)) <= 60
