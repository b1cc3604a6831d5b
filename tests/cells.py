"""Notebook cells, compiled as IPython and ipykernel do it, so that classes come from where users have theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import dedent

from ipykernel.compiler import XCachingCompiler
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config


class KernelShell(InteractiveShell):
    """A shell whose cells have file names as in a notebook: <tmp>/ipykernel_<pid>/<hash>.py."""

    compiler_class = Type(XCachingCompiler)


@contextmanager
def shell_of(kind: type[InteractiveShell]) -> Iterator[InteractiveShell]:
    """The one shell of this process, for a while."""
    shell = kind.instance(config=Config({"HistoryManager": {"enabled": False}}))
    try:
        yield shell
    finally:
        shell.restore_sys_module_state()
        kind.clear_instance()


def run(shell: InteractiveShell, cell: str) -> dict[str, object]:
    """Run a cell; gives the user's namespace."""
    shell.run_cell(dedent(cell), store_history=True).raise_error()
    return shell.user_ns
