"""The front end's half of the contract, and the page about it, are what contract.py says."""

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

from shapewidget.notebook import contract

SCRIPT = Path(__file__).parent.parent / "scripts" / "generate_contract.py"


@pytest.fixture
def generator(monkeypatch):
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, SCRIPT.stem, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(generator, monkeypatch, tmp_path):
    """A checkout in which the files were just written."""
    monkeypatch.setattr(generator, "ROOT", tmp_path)
    for folder in ("js/src", "docs"):
        (tmp_path / folder).mkdir(parents=True)
    assert generator.main([]) == 0
    return tmp_path


def test_generated_files_are_up_to_date(generator, capsys):
    assert generator.main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", ["js/src/contract.gen.ts", "docs/contract.md"])
def test_check_fails_on_a_file_that_was_changed_or_is_missing(generator, checkout, name, capsys):
    assert generator.main(["--check"]) == 0
    text = (checkout / name).read_text()
    (checkout / name).write_text(text.replace("string", "number"))
    assert generator.main(["--check"]) == 1
    assert capsys.readouterr().out.startswith(f"{name} is not what contract.py says.")
    (checkout / name).unlink()
    assert generator.main(["--check"]) == 1


def test_check_fails_when_the_contract_changes(generator, checkout, monkeypatch):
    monkeypatch.setattr(contract, "CONTRACT_VERSION", contract.CONTRACT_VERSION + 1)
    assert generator.outdated() == [checkout / "js/src/contract.gen.ts", checkout / "docs/contract.md"]


def test_every_record_and_trait_reaches_both_files(generator):
    traits = [*contract.GRAPH_VIEW_TRAITS, *contract.PLOT_VIEW_TRAITS]
    typescript, page = generator.generated().values()
    for record in contract.RECORDS:
        assert f"export interface {record.__name__} {{" in typescript
        assert f"### {record.__name__}" in page
        for field in record.__annotations__:
            assert f"  {field}: " in typescript or f"  {field}?: " in typescript
    for trait in traits:
        assert f"  {trait.name}: {trait.type};" in typescript
        assert f"| `{trait.name}` |" in page


@pytest.mark.parametrize(
    ("python", "typescript"),
    [
        ("list[list[int]]", "number[][]"),
        ("list[str | None]", "(string | null)[]"),
        ("float | None", "number | null"),
        ('Literal["one", "two"]', '"one" | "two"'),
        ('Literal["one"]', '"one"'),
        ("WireTensor", "WireTensor"),
    ],
)
def test_typescript_writes_an_annotation(generator, python, typescript):
    assert generator.typescript(ast.parse(python, mode="eval").body) == typescript


def test_typescript_refuses_an_annotation_that_it_does_not_know(generator):
    with pytest.raises(ValueError, match=r"annotates a field with 'set\[int\]'.*It knows str, int"):
        generator.typescript(ast.parse("set[int]", mode="eval").body)


def test_a_field_that_may_be_absent_is_optional(generator):
    body = ast.parse('class A:\n    size: NotRequired[int]\n    """In bytes."""\n    name: str').body[0].body
    size, name = generator.read_fields(body)
    assert (size.type, size.required, size.meaning) == ("number", False, "In bytes.")
    assert (name.type, name.required, name.meaning) == ("string", True, "")
