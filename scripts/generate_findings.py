"""Writes docs/findings.md from the catalogue of findings and the programs in docs/programs.

python scripts/generate_findings.py            write it
python scripts/generate_findings.py --check    write nothing; exit with 1 where it differs, or a finding has no program
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from finding_programs import Pair, pairs

from shapewidget.diagnosis.findings import CATALOGUE, Rule, Severity

TARGET = Path(__file__).parent.parent / "docs" / "findings.md"
SEVERITIES = {
    Severity.MISMATCH: "mismatch: it fails, or will fail at another size",
    Severity.COINCIDENCE: "coincidence: it runs, but not for the reason that its author thinks",
    Severity.NOTE: "note: nothing has to be done",
}
HEAD = """\
# Findings

<!-- Written by scripts/generate_findings.py from the catalogue and docs/programs: change those, not this file. -->

<!-- fmt: off -->

Every code that a report can hold, with what it means, and the smallest program that has it beside the same program
without it. A test runs them all. `torch`, `nn`, `F`, `np`, `shapewidget` and the classes of `torch.utils.data` are
imported; so are `keras` and `layers` in programs of Keras. In programs of training, `training()` gives a model, its
optimiser, and a loader of 12 batches.
"""


def page() -> str:
    """The whole document.

    Raises:
        SystemExit: A finding of the catalogue has no program, or a program no finding.
    """
    found = {pair.code: pair for pair in pairs()}
    wrong = sorted(found.keys() ^ CATALOGUE.keys())
    if wrong:
        sys.exit(f"The catalogue and docs/programs differ in {', '.join(wrong)}: each code has to stand in both.")
    lines = [HEAD, *_table(), *(line for code in sorted(CATALOGUE) for line in _section(CATALOGUE[code], found[code]))]
    return "\n".join(lines) + "\n"


def _table() -> Iterator[str]:
    yield "| code | finding | severity |"
    yield "|---|---|---|"
    for code in sorted(CATALOGUE):
        rule = CATALOGUE[code]
        yield f"| [{code}](#{code.lower()}) | {rule.title} | {rule.severity.value} |"
    yield ""


def _section(rule: Rule, pair: Pair) -> Iterator[str]:
    yield f"## {rule.code}"
    yield ""
    yield f"**{rule.title}** ({SEVERITIES[rule.severity]}). {pair.meaning}"
    for title, wrong in (("Wrong", True), ("Right", False)):
        yield ""
        yield f"{title}:"
        yield ""
        yield "```python"
        yield pair.written(wrong=wrong).rstrip()
        yield "```"
    yield ""


def main() -> None:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = page()
    if not parser.parse_args().check:
        TARGET.write_text(text, encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        sys.exit("docs/findings.md is not what scripts/generate_findings.py writes: run it, and commit the result.")


if __name__ == "__main__":
    main()
