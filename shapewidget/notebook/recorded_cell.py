"""Run the code of a cell recorded: what `%%shapewidget` does."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shapewidget.probing.capture import capture
from shapewidget.probing.report import Report

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

FRAMEWORKS = ("torch", "keras", "tensorflow")


class CellFailed(Exception):
    """The recorded cell raised: this keeps the cells below it from running, and shows no second traceback."""

    def __init__(self) -> None:
        super().__init__("The cell ended with the error whose traceback is above.")

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def run_recorded(shell: InteractiveShell, code: str) -> tuple[Report, BaseException | None]:
    """Run the lines below a cell magic as the shell would, and record them.

    Returns:
        What was found, and the error that the code ended with; the shell has shown its traceback.

    Raises:
        InputError: No framework is imported, and the code imports none.
    """
    _import_what_it_imports(shell, code)
    error: BaseException | None = None
    with capture(reraise=False) as report:
        with _numbered_as_the_cell(shell, code):
            # The comment stands for the magic's own line, so that the others have the numbers that the cell shows.
            result = shell.run_cell("# %%shapewidget\n" + code)
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            raise error
    return report, error


@contextmanager
def _numbered_as_the_cell(shell: InteractiveShell, code: str) -> Generator[None]:
    """Give the code the number of its cell: IPython 9 counts a cell before it runs it, and would give the next one."""
    history, compiler = shell.history_manager, shell.compile
    cells = [""] if history is None else history.input_hist_raw
    original = compiler.cache

    def cache(transformed: str, number: int = 0, raw_code: str | None = None) -> str:
        is_recorded = len(cells) > 1 and code.strip() in cells[-1]
        return original(transformed, len(cells) - 1 if is_recorded else number, raw_code)

    vars(compiler)["cache"] = cache
    try:
        yield
    finally:
        del vars(compiler)["cache"]


def _import_what_it_imports(shell: InteractiveShell, code: str) -> None:
    """A framework that the code imports itself is imported before the recording begins."""
    try:
        tree = ast.parse(shell.transform_cell(code))
    except SyntaxError:
        return  # the shell says so when it runs the cell
    named = {
        name.partition(".")[0]
        for statement in tree.body
        for name in (
            [alias.name for alias in statement.names]
            if isinstance(statement, ast.Import)
            else [statement.module or ""]
            if isinstance(statement, ast.ImportFrom)
            else []
        )
    }
    for framework in FRAMEWORKS:
        if framework in named and importlib.util.find_spec(framework) is not None:
            importlib.import_module(framework)
