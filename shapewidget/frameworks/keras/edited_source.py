"""A file or cell of the user's with some of its expressions replaced, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shapewidget.frameworks.keras.dialect import in_keras
from shapewidget.frameworks.source.edits import replacing_expression
from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.text import Source
from shapewidget.graph.remedies import EditExpression, SourceEdit


@dataclass(frozen=True)
class EditedSource:
    """A file of the user's with some of its expressions replaced.

    Attributes:
        source: As it is.
        edited: With all edits.
        edits: They, one for a line.
    """

    source: Source
    edited: Source
    edits: tuple[SourceEdit, ...]

    @property
    def fix(self) -> str:
        """The lines as they are then."""
        return "; ".join(dict.fromkeys(edit.line for edit in self.edits))

    @property
    def patch(self) -> str:
        """The edits as a unified diff."""
        return "".join(edit.diff() for edit in self.edits)


def edited_together(remedies: Sequence[EditExpression]) -> EditedSource | None:
    """All edits of one file at once; None where one of the expressions is not there, or they are of several files."""
    lines = [remedy.source for remedy in remedies]
    source = Source.read(lines[0].filename) if lines and is_own(lines[0].filename) else None
    if source is None or len({line.filename for line in lines}) > 1:
        return None
    edited = source
    for remedy in sorted(remedies, key=lambda each: -each.source.line):
        text = in_keras(remedy.replacement, source.imported)
        edit = replacing_expression(edited, remedy.source.line, remedy.source.expression or "", text)
        if edit is None:
            return None
        edited = edited.edited(edit)
    made = [edit for remedy in remedies if (edit := _edit_of(source, remedy)) is not None]
    return EditedSource(source, edited, _by_line(source, edited, made))


def _edit_of(source: Source, remedy: EditExpression) -> SourceEdit | None:
    text = in_keras(remedy.replacement, source.imported)
    return replacing_expression(source, remedy.source.line, remedy.source.expression or "", text)


def _by_line(source: Source, edited: Source, edits: Sequence[SourceEdit]) -> tuple[SourceEdit, ...]:
    """Edits of one source, several of one line as the one that they come to."""
    lines = [edit.first_line for edit in edits]
    if len(set(lines)) == len(lines) or len(source.lines) != len(edited.lines):
        return tuple(edits)
    first = {edit.first_line: edit for edit in reversed(edits)}
    ends = {line: line - 1 + len(first[line].before) for line in lines}
    return tuple(replace(first[line], after=edited.lines[line - 1 : ends[line]]) for line in dict.fromkeys(lines))
