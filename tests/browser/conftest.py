"""Fixtures of the browser tests: `lab`, `seven` and `classic`, and `stack`, which is the first and the last in turn."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
import pytest
from browser.host_page import host_page
from browser.notebooks import Notebook
from browser.patience import MOST_MS
from browser.servers import ROOT, Classic, Lab, Server, Seven
from playwright.sync_api import Browser, Page, expect, sync_playwright

expect.set_options(timeout=MOST_MS)


class Desk:
    """Where one test opens its notebooks.

    Args:
        server: The server that holds them.
        browser: The browser that shows them.
        test: The name of the test, after which files and pictures are named.
    """

    def __init__(self, server: Server, browser: Browser, test: str) -> None:
        self.server = server
        self.browser = browser
        self.test = re.sub(r"\W+", "-", test).strip("-")
        self.artifacts = ROOT / "artifacts" / server.name
        self.opened: list[Notebook] = []

    def open(self, source: Path | Sequence[str], *, width: int = 1400, height: int = 1100) -> Notebook:
        """Open a notebook file, or a notebook of these code cells, with a kernel that is ready to run them."""
        if isinstance(source, Path):
            notebook = nbformat.read(source, as_version=4)
        else:
            notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in source])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        name = f"{self.test}-{len(self.opened)}.ipynb"
        nbformat.write(notebook, self.server.root / name)

        page = self.browser.new_context(viewport={"width": width, "height": height}).new_page()
        page.set_default_timeout(MOST_MS)
        opened = self.server.notebook(page, self.artifacts)
        self.opened.append(opened)
        opened.visit(self.server.address, name)
        return opened

    def close(self) -> None:
        """Keep a picture of each page as the test left it, and end pages and kernels."""
        for index, notebook in enumerate(self.opened):
            notebook.screenshot(f"{self.test}-{index}-end")
            notebook.page.context.close()
        self.server.stop_kernels()

    def check(self) -> None:
        """No page may have thrown, or reached out of this machine."""
        for notebook in self.opened:
            assert notebook.page_errors == []
            assert notebook.external_requests == []


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    search = subprocess.run([ROOT / "scripts" / "find-browser"], capture_output=True, text=True, check=False)
    if search.returncode:
        pytest.fail(search.stderr)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=search.stdout.strip(),
            args=[
                *("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"),
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # as on a machine with no network
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page for views of the graph, on which nothing moves by itself."""
    with host_page(chromium, "graph_host.js", ["graph_view.js"], width=1200) as page:
        page.emulate_media(reduced_motion="reduce")
        yield page


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="session")
def seven_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seven]:
    with Seven(tmp_path_factory.mktemp("seven")) as server:
        yield server


@pytest.fixture(scope="session")
def classic_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classic]:
    with Classic(tmp_path_factory.mktemp("classic")) as server:
        yield server


def desk(server: Server, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Desk]:
    desk = Desk(server, browser, request.node.name)
    yield desk
    desk.close()
    desk.check()


@pytest.fixture
def lab(lab_server: Lab, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Desk]:
    yield from desk(lab_server, chromium, request)


@pytest.fixture
def seven(seven_server: Seven, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Desk]:
    yield from desk(seven_server, chromium, request)


@pytest.fixture
def classic(classic_server: Classic, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Desk]:
    yield from desk(classic_server, chromium, request)


@pytest.fixture(params=["lab", "classic"])
def stack(request: pytest.FixtureRequest) -> Desk:
    return request.getfixturevalue(request.param)
