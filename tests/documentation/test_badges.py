"""The script that puts links to Colab and Binder into the README and the lessons, run on a copy of both."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import write_badges  # noqa: E402


@pytest.fixture
def project(tmp_path):
    shutil.copy(ROOT / "README.md", tmp_path)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*"))
    return tmp_path


def pages(project):
    """The README and the first cell of every lesson, by name."""
    first_cells = {
        path.name: "".join(json.loads(path.read_text())["cells"][0]["source"])
        for path in sorted((project / "notebooks").glob("*.ipynb"))
    }
    return {"README.md": (project / "README.md").read_text()} | first_cells


def test_every_page_gets_links_below_its_title_and_keeps_the_rest(project):
    before = pages(project)
    write_badges.write(project, "someone/shapes")
    for name, page in pages(project).items():
        lesson = "01_first_look.ipynb" if name == "README.md" else name
        title, _, badges, *rest = page.split("\n")
        assert f"(https://colab.research.google.com/github/someone/shapes/blob/main/notebooks/{lesson})" in badges
        assert f"(https://mybinder.org/v2/gh/someone/shapes/main?urlpath=lab/tree/notebooks/{lesson})" in badges
        assert "\n".join([title, *rest]) == before[name]


def test_lesson_shows_no_picture_that_a_class_offline_would_miss(project):
    write_badges.write(project, "someone/shapes")
    assert [name for name, page in pages(project).items() if "![" in page.split("\n")[2]] == ["README.md"]


def test_lesson_is_written_as_it_was(project):
    lesson = project / "notebooks" / "01_first_look.ipynb"
    before = lesson.read_text().split("\n")
    write_badges.write(project, "someone/shapes")
    assert set(before) < set(lesson.read_text().split("\n"))


def test_second_address_takes_the_place_of_the_first(project):
    write_badges.write(project, "someone/shapes")
    first = pages(project)
    write_badges.write(project, "else/where")
    assert pages(project) == {name: page.replace("someone/shapes", "else/where") for name, page in first.items()}


@pytest.mark.parametrize("address", ["https://github.com/a/b", "shapes", "a/b/c", "a b/c", ""])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(argparse.ArgumentTypeError, match="give owner/name"):
        write_badges.github_address(address)
