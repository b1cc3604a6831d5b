"""Build hook: puts the front end into every wheel, sdist and editable install.

An up-to-date bundle is used as it is, so that a source distribution installs without Node. Otherwise Node builds it,
and where that cannot be done the build fails and says what is missing.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = ("graph_view.js", "plot_view.js", "plotly.min.js")
COMMANDS = (("npm", "ci"), ("npm", "run", "build"))


class FrontEndBuildHook(BuildHookInterface[Any]):
    """Makes sure that the bundle in `shapewidget/static` is there, and not older than its sources."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the front end if it has to be built."""
        root = Path(self.root)
        problem = problem_with_bundle(root)
        if problem is not None:
            build(root / "js", problem)
            remaining = problem_with_bundle(root)
            if remaining is not None:
                raise RuntimeError(
                    f"`npm run build` in js/ ended well, and still {remaining}: it has to write the bundle."
                )


def problem_with_bundle(root: Path) -> str | None:
    """What is wrong with the bundle, as the end of a sentence; None if it can be used as it is."""
    static = root / "shapewidget" / "static"
    missing = [name for name in BUNDLE if not (static / name).is_file()]
    if missing:
        return f"shapewidget/static lacks {', '.join(missing)}"
    oldest = min((static / name).stat().st_mtime for name in BUNDLE)
    newer = [path for path in sources(root / "js") if path.stat().st_mtime > oldest]
    if newer:
        return f"the bundle is older than {newer[0].relative_to(root)}"
    return None


def sources(js: Path) -> list[Path]:
    """The files that the bundle is made of and the settings that it is made with."""
    return sorted(path for pattern in ("src/**/*", "*.*") for path in js.glob(pattern) if path.is_file())


def build(js: Path, problem: str) -> None:
    """Run Node's build in `js`."""
    command_line = " && ".join(" ".join(command) for command in COMMANDS)
    advice = f"Run `cd js && {command_line}` with Node 20 or newer, then build again."
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(f"The front end has to be built: {problem}, and `npm` is not on PATH. {advice}")
    for command in COMMANDS:
        if subprocess.run([npm, *command[1:]], cwd=js, check=False).returncode:
            raise RuntimeError(f"The front end has to be built: {problem}. `{' '.join(command)}` failed. {advice}")
