"""What a wheel and a source distribution hold, and that they install where there is no Node and no framework."""

import os
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

BUNDLE = {"graph_view.js", "plot_view.js", "plotly.min.js"}
LESSONS = Path(__file__).parents[2] / "notebooks"
IMPORT = """
import importlib.util, pathlib, shapewidget
shapewidget.attach, shapewidget.probe
print(shapewidget.__version__)
print(*sorted(file.name for file in (pathlib.Path(shapewidget.__file__).parent / "static").iterdir()))
print(importlib.util.find_spec("torch"))
"""


def test_wheel_holds_the_package_and_the_bundle_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {Path(name).name for name in names if name.startswith("shapewidget/static/")} == BUNDLE
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"shapewidget"}


def test_wheel_holds_the_lessons_for_the_demo(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    held = {Path(name).name for name in names if name.startswith("shapewidget/lessons/")}
    assert held == {path.name for path in LESSONS.glob("*.ipynb")}


def test_wheel_is_for_any_machine(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")


def test_wheel_works_in_an_empty_environment(wheel, empty_environment):
    empty_environment.pip("install", wheel)
    version, files, torch = empty_environment.run(IMPORT).splitlines()
    assert version == metadata.version("shapewidget")
    assert set(files.split()) == BUNDLE
    assert torch == "None"


def test_source_distribution_holds_what_the_front_end_is_built_from(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"js/package.json", "js/package-lock.json", "js/src/widget.ts", "hatch_build.py", "LICENSE"} <= names
    assert {f"shapewidget/static/{name}" for name in BUNDLE} <= names
    assert not any("node_modules" in name for name in names)


def test_source_distribution_builds_without_node(sdist, tmp_path):
    empty_path = tmp_path / "no-npm-here"
    empty_path.mkdir()
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", tmp_path, sdist]
    subprocess.run(command, cwd=tmp_path, env=os.environ | {"PATH": str(empty_path)}, check=True)
    [wheel] = tmp_path.glob("*.whl")
    assert {f"shapewidget/static/{name}" for name in BUNDLE} <= set(zipfile.ZipFile(wheel).namelist())
