"""Every lesson as a class sees it: run from its first cell to its last, with each view that it shows drawn."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

LESSONS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
FOR_EVERY_HOST = [lesson for lesson in LESSONS if lesson.name[:2] in ("01", "04", "05")]
SHOWS = re.compile(r"^(%%?shapewidget (?!--auto)|%%shapewidget|dashboard$|shapewidget\.attach)", re.MULTILINE)
DRAWN = "views => document.querySelectorAll('.swg .swg-panel').length >= views"


def code_of(lesson):
    notebook = json.loads(lesson.read_text())
    return [
        ("".join(cell["source"]), "raises-exception" in cell["metadata"].get("tags", []))
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


def walk(desk, lesson):
    cells = code_of(lesson)
    notebook = desk.open([code for code, _ in cells], height=1500)
    views = 0
    for place, (code, raises) in enumerate(cells):
        notebook.run_cell(place, fails=raises)
        views += len(SHOWS.findall(code))
        notebook.page.wait_for_function(DRAWN, arg=views)
    notebook.screenshot(f"lesson-{lesson.stem}")
    assert views > 0 or lesson.name.startswith(("03", "06", "08"))
    assert notebook.page_errors == []
    assert notebook.external_requests == []


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_lesson_runs_in_jupyterlab(lab, lesson):
    walk(lab, lesson)


@pytest.mark.parametrize("lesson", FOR_EVERY_HOST, ids=lambda lesson: lesson.stem)
def test_lesson_runs_with_the_versions_of_colab(classic, lesson):
    walk(classic, lesson)


@pytest.mark.parametrize("lesson", FOR_EVERY_HOST[1:], ids=lambda lesson: lesson.stem)  # the first: test_notebook_7.py
def test_lesson_runs_in_notebook_7(seven, lesson):
    walk(seven, lesson)
