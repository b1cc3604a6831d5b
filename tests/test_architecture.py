"""The folders are layers: who may import whom is written here once, and held against every import in the package."""

import ast
import graphlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "shapewidget"


@dataclass(frozen=True)
class Layer:
    """What the modules below one folder may import, besides the standard library and each other."""

    ours: frozenset[str] = frozenset()
    theirs: frozenset[str] = frozenset()


def layer(ours: str = "", theirs: str = "") -> Layer:
    return Layer(frozenset(ours.split()), frozenset(theirs.split()))


LAYERS = {
    "errors": layer(),
    "graph": layer(ours="errors"),
    "diagnosis": layer(ours="errors graph"),
    "frameworks": layer(ours="errors graph"),
    "frameworks.torch": layer(ours="errors graph frameworks", theirs="cloudpickle torch"),
    "frameworks.keras": layer(ours="errors graph frameworks", theirs="keras tensorflow numpy"),
    "frameworks.keras.backends": layer(ours="graph frameworks", theirs="jax keras numpy tensorflow torch"),
    "probing": layer(ours="errors graph diagnosis frameworks", theirs="pandas plotly tqdm"),
    "notebook": layer(
        ours="errors graph diagnosis frameworks probing",
        theirs="IPython anywidget ipywidgets pandas plotly rich traitlets",
    ),
    "zoo": layer(theirs="torch keras"),
    "__main__": layer(theirs="torch"),
    "pytest_plugin": layer(ours="probing", theirs="pytest"),
}
FACADE = layer(ours=" ".join(LAYERS))

WHEN_ASKED = {("probing.report", "notebook"), ("probing.sweep", "notebook"), ("probing.timeline", "notebook")}
"""(module, layer): a report opens its own dashboard, and imports the widgets only when it is asked to."""


@dataclass(frozen=True)
class Import:
    importer: str
    target: str
    line: int
    at_load: bool  # runs when the importing module is loaded: not inside a function, not for the type checker only


def read(package: Path) -> dict[str, ast.Module]:
    """Every module of the package, parsed, under its dotted name."""
    modules = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        modules[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return modules


def imports(importer: str, tree: ast.AST, known: frozenset[str], at_load: bool = True) -> Iterator[Import]:
    """The imports below `tree`, wherever they stand, and calls of import_module and __import__ with a literal name."""
    for node in ast.iter_child_nodes(tree):
        targets: list[str] = []
        match node:
            case ast.Import():
                targets = [alias.name for alias in node.names]
            case ast.ImportFrom(level=0, module=str(module)):
                submodules = [f"{module}.{alias.name}" for alias in node.names]
                targets = [name if name in known else module for name in submodules]
            case ast.ImportFrom(level=level, module=module):
                targets = ["." * level + (module or "")]  # no layer may: it would hide whom it knows
            case ast.Call(
                func=ast.Name(id=name) | ast.Attribute(attr=name), args=[ast.Constant(value=str(target)), *_]
            ):
                targets = [target] if name in ("import_module", "__import__") else []
        for target in targets:
            yield Import(importer, target, node.lineno, at_load)
        deferred = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or for_type_checker(node)
        yield from imports(importer, node, known, at_load and not deferred)


def for_type_checker(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def layer_of(module: str, package: str) -> tuple[str, Layer | None]:
    """The innermost folder that LAYERS knows, and its rule."""
    inside = module.removeprefix(package).removeprefix(".")
    if not inside:
        return "", FACADE
    parts = inside.split(".")
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next(((name, LAYERS[name]) for name in names if name in LAYERS), (parts[0], None))


def problem(found: Import, package: str) -> str | None:
    """Why this import is not allowed, or None."""
    here = f"{found.importer}, line {found.line}: imports {found.target}"
    name, rule = layer_of(found.importer, package)
    if rule is None:
        return f"{here}, and no layer is called {name}"
    root, _, inside = found.target.partition(".")
    if root == package:
        folder = inside.split(".")[0]
        if not folder or folder in rule.ours or folder == name.split(".")[0]:
            return None
        importer = found.importer.removeprefix(f"{package}.")
        if not found.at_load and (importer, folder) in WHEN_ASKED:
            return None
        return f"{here}, which {name or 'the facade'} must not know"
    if root in sys.stdlib_module_names or root in rule.theirs:
        return None
    return f"{here}, which {name or 'the facade'} must do without"


def violations(package: Path) -> list[str]:
    """Every import that breaks the layers, every zoo module with two frameworks, and a cycle if there is one."""
    modules = read(package)
    known = frozenset(modules)
    found = [each for name, tree in modules.items() for each in imports(name, tree, known)]
    broken = [text for each in found if (text := problem(each, package.name))]

    for name in modules:
        frameworks = {each.target.split(".")[0] for each in found if each.importer == name} & {"torch", "keras"}
        if len(frameworks) > 1 and name.startswith(f"{package.name}.zoo"):
            broken.append(f"{name}: imports torch and keras; a module of the zoo stands on one framework")

    arrows: dict[str, set[str]] = {name: set() for name in modules}
    for each in found:
        if each.at_load and each.target in modules:
            arrows[each.importer].add(each.target)
    try:
        graphlib.TopologicalSorter(arrows).prepare()
    except graphlib.CycleError as error:
        broken.append(f"import cycle: {' -> '.join(error.args[1])}")
    return broken


def test_package_keeps_its_layers():
    assert violations(PACKAGE) == []


def test_every_layer_is_a_folder_or_module():
    modules = read(PACKAGE)
    assert {name for name in LAYERS if f"{PACKAGE.name}.{name}" not in modules} == set()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"graph/dims.py": "import torch"}, "imports torch, which graph must do without"),
        ({"graph/dims.py": "from shapewidget import probing", "probing/__init__.py": ""}, "which graph must not know"),
        ({"diagnosis/rules/loss.py": "import shapewidget.frameworks.torch"}, "which diagnosis must not know"),
        ({"frameworks/adapter.py": "import torch.nn as nn"}, "which frameworks must do without"),
        (
            {"frameworks/torch/record.py": "from shapewidget.diagnosis import findings"},
            "which frameworks.torch must not",
        ),
        ({"probing/session.py": "def run():\n    from torch import nn"}, "line 2: imports torch"),
        ({"probing/session.py": "import importlib\nimportlib.import_module('torch.nn')"}, "line 2: imports torch.nn"),
        (
            {"probing/inputs.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch"},
            "imports torch",
        ),
        (
            {"probing/report.py": "from shapewidget.notebook import static", "notebook/static.py": ""},
            "which probing must not know",
        ),
        ({"notebook/plots.py": "import matplotlib"}, "which notebook must do without"),
        ({"zoo/tagger.py": "import torch\nimport keras"}, "stands on one framework"),
        ({"zoo/tagger.py": "from shapewidget.graph import dims"}, "which zoo must not know"),
        ({"graph/dims.py": "from . import records"}, "imports ., which graph must do without"),
        ({"misc/stuff.py": "import math"}, "no layer is called misc"),
        (
            {"graph/a.py": "from shapewidget.graph import b", "graph/b.py": "from shapewidget.graph.a import x"},
            "import cycle",
        ),
    ],
)
def test_walker_catches(files, expected, tmp_path):
    package = write(tmp_path, files)
    broken = violations(package)
    assert len(broken) == 1
    assert expected in broken[0]


@pytest.mark.parametrize(
    "files",
    [
        {
            "notebook/magics.py": "import IPython\nfrom shapewidget.probing import session",
            "probing/session.py": "import math",
        },
        {"frameworks/torch/record.py": "import torch\nfrom shapewidget.graph import records", "graph/records.py": ""},
        {"graph/a.py": "def late():\n    import shapewidget.graph.b", "graph/b.py": "import shapewidget.graph.a"},
        {
            "__init__.py": "def __getattr__(name):\n    from shapewidget.notebook import magics",
            "notebook/magics.py": "",
        },
    ],
)
def test_walker_lets_pass(files, tmp_path):
    assert violations(write(tmp_path, files)) == []


def write(folder: Path, files: dict[str, str]) -> Path:
    package = folder / "shapewidget"
    for name, text in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return package
