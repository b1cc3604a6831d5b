"""The three notebook servers that the browser tests run against, each with settings of its own in an empty folder."""

import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from browser.notebooks import ClassicNotebook, LabNotebook, Notebook, SevenNotebook
from browser.patience import MOST_S

ROOT = Path(__file__).parent.parent.parent


class Server(ABC):
    """A notebook server on a free port of this machine, from `__enter__` to `__exit__`."""

    name: ClassVar[str]
    notebook: ClassVar[type[Notebook]]
    environment: ClassVar[str]
    make_target: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.root = folder / "notebooks"
        self.settings = folder / "settings"
        self.log = folder / "server.log"
        self.python = ROOT / self.environment / "bin" / "python"
        self.port = free_port()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def command(self) -> list[str]:
        """What starts the server."""

    def configure(self) -> None:
        """Write the settings that the server reads when it starts."""
        self.settings.mkdir(parents=True)

    def __enter__(self) -> Self:
        if not self.python.exists():
            raise RuntimeError(f"{self.environment} is not there. Build it: make {self.make_target}")
        self.root.mkdir(parents=True)
        self.configure()
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "IPYTHONDIR": "ipython",
            "JUPYTERLAB_SETTINGS_DIR": "lab",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command(),
                env=os.environ | {name: str(self.settings / folder) for name, folder in folders.items()},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the tests; the server would ask whether it is meant
            )
        self._wait_until_up()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.terminate()
        self.process.wait(60)

    def stop_kernels(self) -> None:
        """End what the notebooks of a test have left running."""
        for kernel in self._request("GET", "kernels"):
            self._request("DELETE", f"kernels/{kernel['id']}")

    def _request(self, method: str, path: str) -> Any:
        request = urllib.request.Request(f"{self.address}/api/{path}", method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or "null")

    def _wait_until_up(self) -> None:
        for _ in range(10 * MOST_S):
            try:
                self._request("GET", "status")
                return
            except urllib.error.URLError:
                try:
                    self.process.wait(0.1)
                except subprocess.TimeoutExpired:
                    continue
                break
        raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text()}")


class Lab(Server):
    """JupyterLab 4 with the newest releases of everything."""

    name = "lab"
    notebook: ClassVar[type[Notebook]] = LabNotebook
    environment = ".venv"
    make_target = "install"
    module, app = "jupyterlab", "LabApp"

    def command(self) -> list[str]:
        return [
            *(str(self.python), "-m", self.module, "--no-browser", "--allow-root"),
            *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0"),
            *("--IdentityProvider.token=", "--ServerApp.password=", "--ServerApp.disable_check_xsrf=True"),
            *(f"--ServerApp.root_dir={self.root}", f"--{self.app}.expose_app_in_browser=True"),
        ]

    def configure(self) -> None:
        """Ask no questions about news, and look for none."""
        super().configure()
        extension = self.settings / "lab" / "@jupyterlab" / "apputils-extension"
        extension.mkdir(parents=True)
        news = {"fetchNews": "false", "checkForUpdates": False}
        (extension / "notification.jupyterlab-settings").write_text(json.dumps(news))


class Seven(Lab):
    """Notebook 7 with the newest releases of everything."""

    name = "seven"
    notebook = SevenNotebook
    module, app = "notebook", "JupyterNotebookApp"


class Classic(Server):
    """Notebook 6 with the releases that Google Colab ships."""

    name = "classic"
    notebook = ClassicNotebook
    environment = ".venv-colab"
    make_target = "colab"

    def command(self) -> list[str]:
        return [
            *(str(self.python), "-m", "notebook", "--no-browser", "--allow-root"),
            *("--NotebookApp.ip=127.0.0.1", f"--NotebookApp.port={self.port}", "--NotebookApp.port_retries=0"),
            *("--NotebookApp.token=", "--NotebookApp.password=", "--NotebookApp.disable_check_xsrf=True"),
            f"--NotebookApp.notebook_dir={self.root}",
        ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
