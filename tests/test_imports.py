"""What `import shapewidget` gives, and what it does not load."""

import json
import subprocess
import sys
from importlib import metadata

import pytest

import shapewidget

PUBLIC = {
    "Finding",
    "Report",
    "ShapeWidgetError",
    "attach",
    "capture",
    "check_loader",
    "explain",
    "load_ipython_extension",
    "probe",
    "sweep",
    "unload_ipython_extension",
    "zoo",
}
NEVER = {"jax", "keras", "numpy", "pandas", "plotly", "tensorflow", "torch"}
NOT_YET = {"IPython", "anywidget", "ipywidgets", "traitlets"}

LOAD_EXTENSION = """
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell().run_line_magic("load_ext", "shapewidget")
"""


def loaded_by(code: str) -> set[str]:
    """The top-level packages that a fresh Python has loaded after running the code."""
    report = "\nimport json, sys\nprint(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    result = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout.splitlines()[-1]))


def test_import_loads_no_framework_and_no_widgets():
    loaded = loaded_by("import shapewidget")
    assert "shapewidget" in loaded
    assert loaded & (NEVER | NOT_YET) == set()


def test_extension_loads_no_framework_and_no_plotly():
    assert loaded_by(LOAD_EXTENSION) & NEVER == set()


@pytest.mark.parametrize("name", ["torch", "plotly", "pandas", "ipywidgets"])
def test_the_check_sees_a_package_that_is_loaded(name):
    assert name in loaded_by(f"import shapewidget, {name}")


def test_public_names_are_these():
    assert set(shapewidget.__all__) == PUBLIC


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_name_is_there(name):
    assert getattr(shapewidget, name) is not None


def test_dir_lists_public_names():
    assert set(dir(shapewidget)) >= PUBLIC


def test_version_is_the_one_in_the_metadata():
    assert shapewidget.__version__ == metadata.version("shapewidget")


def test_probing_a_torch_model_loads_neither_keras_nor_tensorflow():
    probe = """
import shapewidget, torch
assert shapewidget.probe(torch.nn.Linear(3, 2), torch.ones(4, 3)).ok
"""
    assert loaded_by(probe) & {"jax", "keras", "tensorflow"} == set()
