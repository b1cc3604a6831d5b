"""Tab behind `%shapewidget`: its options, and the names of the notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import TryNext

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

OPTIONS = ("--inputs", "--targets", "--loss", "--loader", "--axes", "--build", "--device", "--auto")
VALUES = {"--auto": ("on", "off", "hint")}
COMMAND, HOOK = "%shapewidget", "complete_command"


def matches(shell: InteractiveShell, event: Any) -> list[str]:
    """What begins with the word that is typed: an option, a value of the option in front of it, or a name."""
    word = event.symbol
    before = event.line[: len(event.line) - len(word)].split()
    if before and before[-1] in VALUES:
        found = [each for each in VALUES[before[-1]] if each.startswith(word)]
    elif word.startswith("-"):
        found = [each for each in OPTIONS if each.startswith(word)]
    else:
        completer = shell.Completer
        found = list(completer.attr_matches(word) if "." in word else completer.global_matches(word))
    if not found:
        raise TryNext
    return found


def start(shell: InteractiveShell) -> None:
    """Complete from now on."""
    shell.set_hook(HOOK, matches, str_key=COMMAND)


def stop(shell: InteractiveShell) -> None:
    """Complete no longer."""
    shell.strdispatchers[HOOK].strs.pop(COMMAND, None)
