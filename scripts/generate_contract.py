"""Writes js/src/contract.gen.ts and docs/contract.md from shapewidget/notebook/contract.py.

python scripts/generate_contract.py            write them
python scripts/generate_contract.py --check    write nothing; exit with 1 where they differ
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from shapewidget.notebook import contract

ROOT = Path(__file__).parent.parent
ORIGIN = (
    "Written by scripts/generate_contract.py from shapewidget/notebook/contract.py: change that file, not this one."
)
PRIMITIVES = {"str": "string", "int": "number", "float": "number", "bool": "boolean"}
VIEWS = {
    "GraphViewTraits": ("Traits of GraphView.", contract.GRAPH_VIEW_TRAITS),
    "PlotViewTraits": ("Traits of PlotView.", contract.PLOT_VIEW_TRAITS),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record.

    Attributes:
        name: The same in Python and TypeScript.
        type: As TypeScript writes it.
        required: Whether it is always there.
        meaning: Its docstring; may be empty.
    """

    name: str
    type: str
    required: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its name, its docstring and its fields in order."""

    name: str
    meaning: str
    fields: tuple[Field, ...]


def typescript(annotation: ast.expr) -> str:
    """A Python annotation as TypeScript writes it.

    Raises:
        ValueError: TypeScript has no word for it here.
    """
    match annotation:
        case ast.Name(name):
            return PRIMITIVES.get(name, name)
        case ast.Constant(None):
            return "null"
        case ast.BinOp(left, ast.BitOr(), right):
            return f"{typescript(left)} | {typescript(right)}"
        case ast.Subscript(ast.Name("Literal"), values):
            words = values.elts if isinstance(values, ast.Tuple) else [values]
            return " | ".join(json.dumps(ast.literal_eval(word)) for word in words)
        case ast.Subscript(ast.Name("list"), item):
            inner = typescript(item)
            return f"({inner})[]" if " | " in inner else f"{inner}[]"
    raise ValueError(
        f"contract.py annotates a field with {ast.unparse(annotation)!r}, which this script has no TypeScript for. "
        f"It knows {', '.join(PRIMITIVES)}, None, unions, Literal, list and names of records; teach it the new one."
    )


def read_fields(body: Sequence[ast.stmt]) -> Iterator[Field]:
    """The annotated fields of a class, each with the string below it."""
    for statement, after in zip(body, [*body[1:], None], strict=True):
        if not isinstance(statement, ast.AnnAssign):
            continue
        annotation, required = statement.annotation, True
        if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "NotRequired":
            annotation, required = annotation.slice, False
        match after:
            case ast.Expr(ast.Constant(str(text))):
                meaning = inspect.cleandoc(text)
            case _:
                meaning = ""
        yield Field(ast.unparse(statement.target), typescript(annotation), required, meaning)


def read_records(tree: ast.Module) -> list[Record]:
    """The classes that `contract.RECORDS` lists, in that order."""
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    nodes = [classes[record.__name__] for record in contract.RECORDS]
    return [Record(node.name, ast.get_docstring(node) or "", tuple(read_fields(node.body))) for node in nodes]


def read_aliases(tree: ast.Module) -> dict[str, str]:
    """The Literals that have a name."""
    return {
        ast.unparse(node.targets[0]): typescript(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("Literal[")
    }


def comment(text: str, indent: str = "") -> list[str]:
    """A doc comment, nothing for an empty text."""
    if not text:
        return []
    lines = text.splitlines()
    if len(lines) == 1:
        return [f"{indent}/** {text} */"]
    return [f"{indent}/**", *(f"{indent} * {line}".rstrip() for line in lines), f"{indent} */"]


def interface(name: str, meaning: str, fields: Sequence[Field]) -> list[str]:
    """A TypeScript interface with doc comments."""
    lines = [*comment(meaning), f"export interface {name} {{"]
    for field in fields:
        lines += comment(field.meaning, "  ")
        lines.append(f"  {field.name}{'' if field.required else '?'}: {field.type};")
    return [*lines, "}"]


def as_typescript(aliases: dict[str, str], records: Sequence[Record]) -> str:
    """The text of contract.gen.ts."""
    blocks = [[f"// {ORIGIN}"], [f"export const CONTRACT_VERSION = {contract.CONTRACT_VERSION};"]]
    blocks += [[f"export type {name} = {union};"] for name, union in aliases.items()]
    blocks += [interface(record.name, record.meaning, record.fields) for record in records]
    for name, (meaning, traits) in VIEWS.items():
        fields = [Field(trait.name, trait.type, True, f"{trait.meaning} Set by {setter(trait)}.") for trait in traits]
        blocks.append(interface(name, meaning, fields))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def setter(trait: contract.Trait) -> str:
    """Who may set a trait, in words."""
    return "both sides" if trait.writer == "both" else f"the {trait.writer}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    cells = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(cell.replace("|", r"\|").replace("\n", " ") for cell in row) + " |" for row in cells]


def as_markdown(aliases: dict[str, str], records: Sequence[Record]) -> str:
    """The text of contract.md."""
    blocks = [
        ["# The contract between kernel and browser"],
        [f"<!-- {ORIGIN} -->"],
        [inspect.getdoc(contract) or ""],
        [f"This is version {contract.CONTRACT_VERSION}."],
    ]
    for meaning, traits in VIEWS.values():
        blocks.append([f"## {meaning.rstrip('.')}"])
        rows = [
            (f"`{trait.name}`", f"`{trait.type}`", setter(trait), f"`{json.dumps(trait.default)}`", trait.meaning)
            for trait in traits
        ]
        blocks.append(table(("trait", "type", "set by", "default", "meaning"), rows))
    blocks.append(["## Words"])
    blocks.append(table(("type", "one of"), [(f"`{name}`", f"`{union}`") for name, union in aliases.items()]))
    blocks.append(["## Records"])
    for record in records:
        blocks += [[f"### {record.name}"], [record.meaning]]
        fields = [(f"`{f.name}{'' if f.required else '?'}`", f"`{f.type}`", f.meaning) for f in record.fields]
        blocks.append(table(("field", "type", "meaning"), fields))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def generated() -> dict[Path, str]:
    """The files to write, and their texts."""
    tree = ast.parse(inspect.getsource(contract))
    aliases, records = read_aliases(tree), read_records(tree)
    return {
        ROOT / "js/src/contract.gen.ts": as_typescript(aliases, records),
        ROOT / "docs/contract.md": as_markdown(aliases, records),
    }


def outdated() -> list[Path]:
    """The generated files that are missing, or say something else than contract.py."""
    return [
        path for path, text in generated().items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str]) -> int:
    """Write the files, or check them; the exit status."""
    parser = argparse.ArgumentParser(description="Write js/src/contract.gen.ts and docs/contract.md.")
    parser.add_argument("--check", action="store_true", help="write nothing, and fail where they differ")
    if parser.parse_args(arguments).check:
        paths = outdated()
        for path in paths:
            print(f"{path.relative_to(ROOT)} is not what contract.py says. Run: python scripts/generate_contract.py")
        return 1 if paths else 0
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
