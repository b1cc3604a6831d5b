"""Puts links that open the lessons in Colab and on Binder into the README and the lessons.

    python scripts/write_badges.py

The address is `Repository` in pyproject.toml. Run it when that changes, or when a lesson is added. A lesson has words
and no pictures, which a class without a network would miss.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
COLAB = "https://colab.research.google.com"
BINDER = "https://mybinder.org"


def colab(address: str, lesson: str) -> str:
    """Where Colab opens a lesson."""
    return f"{COLAB}/github/{address}/blob/main/notebooks/{lesson}"


def binder(address: str, lesson: str) -> str:
    """Where Binder builds the project and opens a lesson."""
    return f"{BINDER}/v2/gh/{address}/main?urlpath=lab/tree/notebooks/{lesson}"


def with_badges(text: str, badges: str) -> str:
    """A page with a line of badges under its title, in place of the line that it may have had."""
    title, *rest = text.split("\n")
    if len(rest) > 1 and f"]({COLAB}/" in rest[1]:
        rest = rest[2:]
    return "\n".join([title, "", badges, *rest])


def write(root: Path) -> None:
    """Write the links into the README and the first cell of every lesson under `root`."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address = project["urls"]["Repository"].removeprefix("https://github.com/")
    lessons = sorted((root / "notebooks").glob("*.ipynb"))
    for lesson in lessons:
        notebook = json.loads(lesson.read_text(encoding="utf-8"))
        words = f"[Open in Colab]({colab(address, lesson.name)}) · [Open on Binder]({binder(address, lesson.name)})"
        first = notebook["cells"][0]
        first["source"] = with_badges("".join(first["source"]), words).splitlines(keepends=True)
        lesson.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    readme = root / "README.md"
    pictures = (
        f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]({colab(address, lessons[0].name)}) "
        f"[![Open on Binder]({BINDER}/badge_logo.svg)]({binder(address, lessons[0].name)})"
    )
    readme.write_text(with_badges(readme.read_text(encoding="utf-8"), pictures), encoding="utf-8")


if __name__ == "__main__":
    write(ROOT)
