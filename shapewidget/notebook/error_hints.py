"""A hint under a shape error: a line that says where the explanation is, or the finding itself."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from shapewidget.frameworks.registry import loaded_adapters

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

Mode = Literal["hint", "on", "off"]
HINT = "%shapewidget explains this error."
EVENT = "post_run_cell"


class ErrorHints:
    """Looks at every cell that has failed.

    Where a framework raised the error, a line below the traceback says what explains it; "on" adds the finding and its
    fix, for which what failed is run again on copies. Hangs on an event and on no handler of exceptions, of which there
    is one only, and in Colab it is taken. No frame is kept.

    Attributes:
        mode: "hint", "on" or "off".
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self.mode: Mode = "hint"
        self._shell = shell

    def start(self) -> None:
        """Look from now on."""
        self._shell.events.register(EVENT, self._after_cell)

    def stop(self) -> None:
        """Look no longer."""
        if self._after_cell in self._shell.events.callbacks[EVENT]:
            self._shell.events.unregister(EVENT, self._after_cell)

    @contextmanager
    def silent(self) -> Generator[None]:
        """Say nothing while a block runs."""
        mode, self.mode = self.mode, "off"
        try:
            yield
        finally:
            self.mode = mode

    def _after_cell(self, result: ExecutionResult) -> None:
        error: Any = result.error_in_exec
        if self.mode == "off" or not isinstance(error, Exception):
            return
        if any(adapter.failure(error) is not None for adapter in loaded_adapters()):
            print(self._compact(error) if self.mode == "on" else HINT)

    def _compact(self, error: Exception) -> str:
        from shapewidget.probing.explain import explain
        from shapewidget.probing.report_text import advice

        found = explain(error).findings[0]
        at = f" at {found.source}" if found.source is not None else ""
        fix = f"\n{advice(found)}" if found.fix else ""
        return f"{found.code} {found.title}{at}\n{found.reason}{fix}\n{HINT}"
