"""What `binder/` says is what pip can install, and what JupyterLab then does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BINDER = ROOT / "binder"
PACKAGES = yaml.safe_load((BINDER / "environment.yml").read_text())["dependencies"]
PYTHON = next(name.removeprefix("python=") for name in PACKAGES if str(name).startswith("python="))


@pytest.fixture
def prefix(tmp_path):
    """The folder of Binder's Python after `postBuild`."""
    subprocess.run([BINDER / "postBuild"], env=os.environ | {"NB_PYTHON_PREFIX": str(tmp_path)}, check=True)
    return tmp_path


def requirements():
    """What pip is asked for, but for the package itself: it is this checkout, whose wheel has tests of its own.

    PyTorch comes from conda-forge, which cannot be asked here; it is asked of pip in its place.
    """
    [by_pip] = [each["pip"] for each in PACKAGES if isinstance(each, dict)]
    assert ".." in by_pip
    return ["torch", *(line for line in by_pip if line != ".." and not line.startswith("--"))]


def test_requirements_and_the_package_install_together_in_tested_releases(wheel, tmp_path):
    report = tmp_path / "report.json"
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", report),
        *("--python-version", PYTHON, "--only-binary", ":all:", "--target", tmp_path / "target"),
        *("--constraint", ROOT / "constraints" / "newest.txt", *requirements(), wheel),
    ]
    subprocess.run(command, cwd=tmp_path, check=True)
    installed = {
        item["metadata"]["name"].lower().replace("_", "-"): item["metadata"]["version"]
        for item in json.loads(report.read_text())["install"]
    }
    tested = dict(
        line.split("==")
        for line in (ROOT / "constraints" / "newest.txt").read_text().splitlines()
        if "==" in line and not line.startswith("#")
    )
    for name in ("torch", "tensorflow-cpu", "keras", "ipywidgets", "anywidget", "ipython", "plotly"):
        assert installed[name] == tested[name]
    assert "shapewidget" in installed


def test_constraints_are_those_of_the_tests():
    [by_pip] = [each["pip"] for each in PACKAGES if isinstance(each, dict)]
    [constraint] = [line.removeprefix("--constraint ") for line in by_pip if line.startswith("--constraint")]
    assert (BINDER / constraint).resolve() == ROOT / "constraints" / "newest.txt"


def test_settings_lie_where_jupyter_looks_for_them(prefix):
    settings = json.loads((prefix / "share/jupyter/lab/settings/overrides.json").read_text())
    assert settings["@jupyterlab/apputils-extension:kernels-settings"] == {"commsOverSubshells": "disabled"}
    server = json.loads((prefix / "etc/jupyter/jupyter_server_config.json").read_text())
    [address] = {settings["default_url"] for settings in server.values()}
    assert (ROOT / address.removeprefix("/lab/tree/")).is_file()
