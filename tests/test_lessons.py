"""The lessons: small, numbered, without outputs, and the exercises of the last one can be solved."""

import contextlib
import io
import json
import re
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))
LARGEST = 30_000


def cells(lesson, kind="code"):
    return ["".join(cell["source"]) for cell in json.loads(lesson.read_text())["cells"] if cell["cell_type"] == kind]


def test_lessons_are_numbered_without_a_gap():
    assert [int(lesson.name[:2]) for lesson in LESSONS] == list(range(1, 9))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_lesson_is_small_and_holds_no_outputs(lesson):
    notebook = json.loads(lesson.read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert lesson.stat().st_size < LARGEST
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert "widgets" not in notebook["metadata"]
    assert cells(lesson, "markdown")[0].startswith("# ")


MENDED = {
    "Digits": ("nn.Linear(8 * 14 * 14, 10)", "nn.Linear(8 * 13 * 13, 10)"),
    "WordFilter": ("self.conv(self.embedding(ids))", "self.conv(self.embedding(ids).transpose(1, 2))"),
    "Residual": ("nn.Linear(48, 48)", "nn.Linear(48, 24)"),
    "Normalised": ("nn.BatchNorm2d(3)", "nn.BatchNorm2d(12)"),
    "Verdict": ("steps.flatten(0, 1)", "steps[:, -1]"),
    "Tagger": ("nn.LSTM(16, 20)", "nn.LSTM(16, 20, batch_first=True)"),
    "Price": ("self.head(self.body(x).relu())", "self.head(self.body(x).relu()).squeeze(-1)"),
    "Heads": (
        "x.reshape(batch, self.heads, steps, self.depth)",
        "x.reshape(batch, steps, self.heads, self.depth).transpose(1, 2)",
    ),
    "Placed": ("torch.arange(ids.size(0))).unsqueeze(1)", "torch.arange(ids.size(1)))"),
    "Captions": (
        "nn.GRU(hidden, hidden, batch_first=True)\n        self.head = nn.Linear(2 * hidden, tags)",
        "nn.GRU(2 * hidden, hidden, batch_first=True)\n        self.head = nn.Linear(hidden, tags)",
        "softmax(dim=0)",
        "softmax(dim=-1)",
    ),
}
"""The mistakes of the exercises: what stands there, and what should."""


@pytest.fixture(scope="module")
def exercises():
    """The namespace of the notebook once all its cells have run, its classes and checks by name of the class."""
    namespace: dict[str, object] = {"__name__": "lesson"}
    classes, checks = {}, {}
    for cell in cells(LESSONS[-1]):
        if "%" in cell.partition("\n")[0] or "load_ext" in cell:
            exec("import shapewidget", namespace)
        elif cell.startswith("check("):
            checks[re.match(r"check\((\w+)", cell)[1]] = cell
        else:
            exec(cell, namespace)
            classes |= dict.fromkeys(re.findall(r"^class (\w+)", cell, re.MULTILINE), cell)
    return namespace, classes, checks


def said(check, namespace):
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(check, namespace)
    return output.getvalue().strip()


@pytest.mark.parametrize("name", MENDED)
def test_exercise_is_not_yet_solved_until_its_mistakes_are_mended(exercises, name):
    namespace, classes, checks = exercises
    assert said(checks[name], namespace) == "not yet"
    code, swaps = classes[name], MENDED[name]
    for wrong, right in zip(swaps[::2], swaps[1::2], strict=True):
        assert code.count(wrong) == 1
        code = code.replace(wrong, right)
    assert said(checks[name], {**namespace, **defined(code, namespace)}) == "solved"


def defined(code, namespace):
    own = dict(namespace)
    exec(code, own)
    return own


def test_every_exercise_has_a_solution(exercises):
    _, _, checks = exercises
    assert checks.keys() == MENDED.keys()
