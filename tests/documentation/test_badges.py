"""Links to Colab and Binder in the README and the lessons, and the script that writes them, run on a copy."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import write_badges  # noqa: E402

ADDRESS = "shapewidget/shapewidget"


@pytest.fixture
def project(tmp_path):
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*"))
    return tmp_path


def move(project, address):
    settings = project / "pyproject.toml"
    settings.write_text(settings.read_text().replace(f"github.com/{ADDRESS}", f"github.com/{address}"))
    write_badges.write(project)


def pages(project):
    """The README and the first cell of every lesson, by name."""
    first_cells = {
        path.name: "".join(json.loads(path.read_text())["cells"][0]["source"])
        for path in sorted((project / "notebooks").glob("*.ipynb"))
    }
    return {"README.md": (project / "README.md").read_text()} | first_cells


def badges(page):
    return page.split("\n")[2]


def test_every_page_opens_its_lesson_in_colab_and_on_binder():
    for name, page in pages(ROOT).items():
        lesson = "01_first_look.ipynb" if name == "README.md" else name
        assert (ROOT / "notebooks" / lesson).is_file()
        assert f"(https://colab.research.google.com/github/{ADDRESS}/blob/main/notebooks/{lesson})" in badges(page)
        assert f"(https://mybinder.org/v2/gh/{ADDRESS}/main?urlpath=lab/tree/notebooks/{lesson})" in badges(page)


def test_lesson_shows_no_picture_that_a_class_offline_would_miss():
    assert [name for name, page in pages(ROOT).items() if "![" in badges(page)] == ["README.md"]


def test_script_leaves_the_pages_of_this_address_as_they_are(project):
    write_badges.write(project)
    for path in [ROOT / "README.md", *(ROOT / "notebooks").glob("*.ipynb")]:
        assert (project / path.relative_to(ROOT)).read_text() == path.read_text()


def test_another_address_takes_the_place_of_the_first(project):
    move(project, "else/where")
    assert pages(project) == {name: page.replace(ADDRESS, "else/where") for name, page in pages(ROOT).items()}


def test_page_without_badges_gets_them_below_its_title_and_keeps_the_rest(project):
    readme = project / "README.md"
    title, _, _, *rest = readme.read_text().split("\n")
    readme.write_text("\n".join([title, *rest]))
    write_badges.write(project)
    assert readme.read_text() == (ROOT / "README.md").read_text()
