"""A notebook that is open in a browser, driven the same way in JupyterLab and in Notebook 6.

Nothing here waits for a time: each call waits for the condition that the next one needs.
"""

import ast
import json
import re
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from browser.patience import MOST_S
from playwright.sync_api import Page, Request, WebSocket

COLOURS = re.compile(r"\x1b\[[\d;]*m")  # of a traceback that is meant for a terminal


class Notebook(ABC):
    """One notebook in one page.

    Attributes:
        page: The page, for locators, the mouse and the keyboard.
        page_errors: What the page has thrown.
        external_requests: What the page has asked of any other machine.
    """

    address: ClassVar[str]
    ready: ClassVar[str]
    start: ClassVar[str]
    outputs_of: ClassVar[str]
    evaluate: ClassVar[str]
    save_file: ClassVar[str]
    errors_of_its_own: ClassVar[tuple[str, ...]] = ()

    def __init__(self, page: Page, artifacts: Path) -> None:
        self.page = page
        self.artifacts = artifacts
        self.page_errors: list[str] = []
        self.external_requests: list[str] = []
        page.on("pageerror", lambda error: self._note_error(str(error)))
        page.on("request", self._note_address)
        page.on("websocket", self._note_address)

    def visit(self, server: str, name: str) -> None:
        """Open the notebook of that name, and wait until its kernel can run a cell."""
        self.page.goto(server + self.address.format(name=name), wait_until="domcontentloaded")
        self._wait_until_ready()

    def reload(self) -> None:
        """Save the notebook, and load its page anew; the kernel runs on."""
        self.page.evaluate(self.save_file)
        self.page.reload(wait_until="domcontentloaded")
        self._wait_until_ready()

    def start_cell(self, index: int) -> None:
        """Run a cell, and do not wait for it."""
        self.page.evaluate(self.start, index)

    def wait_for_cell(self, index: int, *, fails: bool = False) -> None:
        """Wait until a started cell has ended, well or (`fails`) with an exception."""
        finished = "index => window.finishedCells.has(index)"
        self.page.wait_for_function(finished, arg=index)
        errors = [output for output in self.outputs(index) if output["output_type"] == "error"]
        if bool(errors) != fails:
            trace = "\n".join(line for error in errors for line in error["traceback"])
            raise AssertionError(f"cell {index} {'failed' if errors else 'did not fail'}\n{COLOURS.sub('', trace)}")

    def run_cell(self, index: int, *, fails: bool = False) -> None:
        """Run a cell to its end."""
        self.start_cell(index)
        self.wait_for_cell(index, fails=fails)

    def outputs(self, index: int) -> list[dict[str, Any]]:
        """What a cell has put out, as the notebook format has it."""
        return self.page.evaluate(self.outputs_of, index)

    def kernel_eval(self, expression: str) -> Any:
        """The value of a Python expression in the live kernel, through JSON; where JSON cannot hold it, its repr."""
        wrapped = f"__import__('json').dumps(({expression}), default=repr)"
        answer = self.page.evaluate(self.evaluate, wrapped)
        if answer["status"] != "ok":
            raise AssertionError(f"{expression}: {answer['ename']}: {answer['evalue']}")
        return json.loads(ast.literal_eval(answer["data"]["text/plain"]))

    def wait_for_kernel(self, expression: str, value: Any) -> None:
        """Wait until a Python expression has this value in the live kernel."""
        deadline = time.monotonic() + MOST_S
        while (last := self.kernel_eval(expression)) != value:
            if time.monotonic() > deadline:
                raise AssertionError(f"{expression} is {last!r} after {MOST_S} s, and not {value!r}")
            self.page.wait_for_timeout(50)

    @abstractmethod
    def set_theme(self, theme: str) -> None:
        """Turn the page "dark" or "light"."""

    def screenshot(self, name: str) -> Path:
        """Keep a picture of the page among the artifacts."""
        path = self.artifacts / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def _wait_until_ready(self) -> None:
        self.page.wait_for_function(self.ready)

    def _note_error(self, error: str) -> None:
        if not any(known in error for known in self.errors_of_its_own):
            self.page_errors.append(error)

    def _note_address(self, request: Request | WebSocket) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.hostname != "127.0.0.1":
            self.external_requests.append(request.url)


class LabNotebook(Notebook):
    """A notebook in JupyterLab 4."""

    address = "/lab/tree/{name}?reset"
    ready = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
    start = """index => {
        const { commands, shell } = window.jupyterapp;
        const finished = (window.finishedCells ??= new Set());
        finished.delete(index);
        shell.currentWidget.content.activeCellIndex = index;
        commands.execute('notebook:run-cell').finally(() => finished.add(index));
    }"""
    outputs_of = "index => window.jupyterapp.shell.currentWidget.content.widgets[index].model.outputs.toJSON()"
    evaluate = """async expression => {
        const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
        const request = { code: '', silent: true, store_history: false, user_expressions: { value: expression } };
        const { content } = await kernel.requestExecute(request).done;
        return content.user_expressions.value;
    }"""
    save_file = "() => window.jupyterapp.shell.currentWidget.context.save()"

    def visit(self, server: str, name: str) -> None:
        """Open the notebook, in light: the server keeps the theme that the page before has chosen."""
        super().visit(server, name)
        self.set_theme("light")

    def set_theme(self, theme: str) -> None:
        dark = theme == "dark"
        name = "JupyterLab Dark" if dark else "JupyterLab Light"
        self.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", name)
        self.page.wait_for_function(
            "light => document.body.dataset.jpThemeLight === light", arg="false" if dark else "true"
        )
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")


class SevenNotebook(LabNotebook):
    """A notebook in Notebook 7, which is JupyterLab's notebook in another frame."""

    address = "/notebooks/{name}"
    errors_of_its_own = ("reading 'schema'",)  # of a plugin that Notebook leaves out, with no widget on the page


class ClassicNotebook(Notebook):
    """A notebook in Notebook 6."""

    address = "/notebooks/{name}"
    ready = """() => {
        const notebook = window.Jupyter?.notebook;
        return notebook?._fully_loaded && notebook.kernel?.is_connected() && notebook.kernel.widget_manager;
    }"""
    start = """index => {
        const { notebook } = window.Jupyter;
        const finished = (window.finishedCells ??= new Set());
        finished.delete(index);
        notebook.events.on('finished_execute.CodeCell', function note(_, { cell }) {
            if (cell !== notebook.get_cell(index)) return;
            notebook.events.off('finished_execute.CodeCell', note);
            finished.add(index);
        });
        notebook.execute_cells([index]);
    }"""
    outputs_of = "index => window.Jupyter.notebook.get_cell(index).output_area.toJSON()"
    evaluate = """expression => new Promise(resolve => window.Jupyter.notebook.kernel.execute(
        '',
        { shell: { reply: ({ content }) => resolve(content.user_expressions.value) } },
        { silent: true, store_history: false, user_expressions: { value: expression } },
    ))"""
    save_file = "() => window.Jupyter.notebook.save_notebook()"

    def set_theme(self, theme: str) -> None:
        """Notebook 6 has no themes: mark the page as Colab marks its own, whose releases this stack has."""
        self.page.evaluate("theme => document.documentElement.setAttribute('theme', theme)", theme)
        self.page.add_style_tag(content="html[theme=dark] #notebook-container { background: #383838; color: #eee }")

    def _wait_until_ready(self) -> None:
        """Wait for the widget manager too.

        It asks a new kernel for its widgets, and a cell that runs before the answer would have each of its widgets made
        twice. The shell channel keeps its order: an answer to us means that the manager has had its own.
        """
        super()._wait_until_ready()
        self.page.evaluate(
            "() => new Promise(resolve => window.Jupyter.notebook.kernel.comm_info('jupyter.widget', resolve))"
        )
