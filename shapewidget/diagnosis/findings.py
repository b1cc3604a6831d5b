"""What is said about a mistake, and the catalogue of all that can be said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shapewidget.graph.records import SourceLine


class Severity(StrEnum):
    """How bad it is, the worst first."""

    MISMATCH = "mismatch"
    """It fails, or will fail at another size."""
    COINCIDENCE = "coincidence"
    """It runs, but not for the reason that its author thinks."""
    NOTE = "note"
    """Worth knowing; nothing has to be done."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An entry of the catalogue.

    Attributes:
        code: Stable name, as of a lint rule.
        title: A few words.
        severity: The severity of its findings.
    """

    code: str
    title: str
    severity: Severity


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a program.

    Attributes:
        code: The rule's stable code.
        title: The rule's title.
        severity: How bad it is.
        where: "build", "module", "function", "loss" or "loader".
        layer: Dotted module path; of a function, the operation such as "view".
        op: The operation, where one is at fault.
        scope: Path of the module whose forward holds it.
        axis: The clashing axis.
        axis_name: What it means: "features".
        expected: What was to be there.
        got: What is there.
        reason: One or two sentences with both sizes and their meaning.
        fix: One line of code, or one instruction.
        patch: Unified diff of the user's source.
        source: Where the mistake is.
        verified: Whether the fix was applied to a copy and the program ran with it, and found nothing there.
        layer_id: Id of the node in the graph.
    """

    code: str
    title: str
    severity: Severity
    where: str
    layer: str
    reason: str
    fix: str = ""
    op: str | None = None
    scope: str = ""
    axis: int | None = None
    axis_name: str = ""
    expected: object = None
    got: object = None
    patch: str | None = None
    source: SourceLine | None = None
    verified: bool = False
    layer_id: str = ""
