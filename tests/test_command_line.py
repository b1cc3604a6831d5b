import subprocess
import sys

import pytest

from shapewidget import __main__ as command_line


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "shapewidget", *arguments], capture_output=True, text=True, check=False
    )


def test_information_names_versions_devices_and_the_front_end():
    answer = run()
    assert answer.returncode == 0
    lines = answer.stdout.splitlines()
    assert lines[0].startswith("shapewidget 0.")
    assert any("torch 2." in line and "keras 3." in line for line in lines)
    assert "devices: cpu" in answer.stdout
    assert "front end: complete" in answer.stdout


def test_information_says_what_the_front_end_lacks(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command_line, "PACKAGE", tmp_path)
    command_line.main([])
    assert "front end: lacks graph_view.js, plot_view.js, plotly.min.js" in capsys.readouterr().out


def test_unknown_command_is_refused_with_those_that_are_known():
    answer = run("demos")
    assert answer.returncode == 2
    assert "'info', 'demo'" in answer.stderr


@pytest.fixture
def opened(monkeypatch):
    """The commands that the demo started."""
    commands = []

    def start(command, check):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(command_line.subprocess, "run", start)
    return commands


def test_demo_opens_the_first_of_the_lessons_in_a_copy(opened, tmp_path):
    folder = tmp_path / "lessons"
    assert command_line.main(["demo", "--folder", str(folder)]) == 0
    assert opened == [[sys.executable, "-m", "jupyterlab", str(folder / "01_first_look.ipynb")]]
    assert {path.name for path in folder.iterdir()} == {path.name for path in command_line.lessons()}


def test_demo_keeps_a_lesson_that_was_worked_on(opened, tmp_path):
    mine = tmp_path / "01_first_look.ipynb"
    mine.write_text("my work")
    command_line.main(["demo", "--folder", str(tmp_path)])
    assert mine.read_text() == "my work"


def test_demo_without_a_notebook_server_says_what_to_install(opened, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command_line.importlib.util, "find_spec", lambda name: None)
    assert command_line.main(["demo", "--folder", str(tmp_path)]) == 1
    assert "pip install jupyterlab" in capsys.readouterr().err
    assert opened == []
