"""The programs of docs/findings.md: the wrong one has the finding, the right one has none above a note."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from finding_programs import Pair, pairs  # noqa: E402

from shapewidget.diagnosis.findings import RULES  # noqa: E402

PAIRS = list(pairs())
SAID = "\nprint(*(f'{it.code}:{it.severity.value}' for it in report.findings))\n"


def run(pair: Pair, folder: Path, *, wrong: bool) -> dict[str, str]:
    """The findings of a program, in this process; (code, severity)."""
    path = folder / f"{pair.code.lower()}.py"
    path.write_text(pair.source(wrong=wrong), encoding="utf-8")
    names: dict[str, object] = {"__name__": path.stem}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
    return {it.code: it.severity.value for it in names["report"].findings}  # type: ignore[attr-defined]


def test_every_code_of_the_catalogue_has_one_pair():
    assert sorted(pair.code for pair in PAIRS) == sorted(rule.code for rule in RULES)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("pair", [it for it in PAIRS if it.family != "keras"], ids=lambda pair: pair.code)
def test_programs_of_a_finding(pair, tmp_path):
    (tmp_path / "wrong").mkdir()
    assert pair.code in run(pair, tmp_path / "wrong", wrong=True)
    right = run(pair, tmp_path, wrong=False)
    assert set(right.values()) <= {"note"}, right


@pytest.mark.parametrize("wrong", [True, False])
def test_programs_of_findings_about_keras(wrong, tmp_path):
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    found = [it for it in PAIRS if it.family == "keras"]
    files = []
    for pair in found:
        path = tmp_path / f"{pair.code.lower()}.py"
        path.write_text(pair.source(wrong=wrong) + SAID, encoding="utf-8")
        files.append(str(path))
    code = "import sys\nfor path in sys.argv[1:]: exec(compile(open(path).read(), path, 'exec'), {})"
    ran = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True, env=environment)
    said = [line.split() for line in ran.stdout.splitlines()]
    assert len(said) == len(found), ran.stderr
    for pair, findings in zip(found, said, strict=True):
        if wrong:
            assert any(it.startswith(pair.code) for it in findings), (pair.code, findings)
        else:
            assert all(it.endswith(":note") for it in findings), (pair.code, findings)
