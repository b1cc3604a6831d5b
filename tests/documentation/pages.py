"""The code of a page of the documentation: its fenced blocks, and which of them are to be run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(
    r"^```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
FRAGMENT = "<!-- fragment -->\n"
INCLUDED = '--8<-- "'


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: What stands behind the fence: "python".
        title: A file's name, where the block is a file of its own.
        code: The text.
        line: Number of its first line in the page, from 1.
        is_fragment: Whether the page says that it cannot run alone.
        follows_code: Whether nothing but an empty line is between it and the block before.
    """

    language: str
    title: str | None
    code: str
    line: int
    is_fragment: bool
    follows_code: bool

    @property
    def is_run(self) -> bool:
        """Whether it is Python that the page's reader may run."""
        return self.language == "python" and not self.is_fragment and INCLUDED not in self.code


@dataclass(frozen=True)
class Page:
    """A page of the documentation."""

    path: Path

    def __str__(self) -> str:
        return self.path.name

    @cached_property
    def blocks(self) -> list[Block]:
        """All fenced blocks, in their order."""
        text = self.path.read_text(encoding="utf-8")
        blocks, end = [], -1
        for found in FENCE.finditer(text):
            before = text[: found.start()]
            line = before.count("\n") + 2
            is_next = end >= 0 and not text[end : found.start()].strip()
            blocks.append(Block(*found.group("language", "title", "code"), line, before.endswith(FRAGMENT), is_next))
            end = found.end()
        return blocks


def pages() -> list[Page]:
    """The README and every page of the site but that of the findings, whose programs have a test of their own."""
    written = sorted(path for path in (ROOT / "docs").glob("*.md") if path.name != "findings.md")
    return [Page(ROOT / "README.md"), *map(Page, written)]
