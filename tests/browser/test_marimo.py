"""GraphView in a real marimo, which shows anywidgets and no other widgets: `make marimo` builds its environment."""

import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.patience import MOST_MS, MOST_S
from browser.servers import ROOT, free_port
from playwright.sync_api import Browser, expect
from wire_fixtures import path_of

PYTHON = ROOT / ".venv-marimo" / "bin" / "python"
NOTEBOOK = Path(__file__).with_name("marimo_notebook.py")


@pytest.fixture
def marimo(tmp_path: Path) -> Iterator[str]:
    """The address of the notebook as an application."""
    if not PYTHON.exists():
        raise RuntimeError(".venv-marimo is not there. Build it: make marimo")
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [PYTHON, "-m", "marimo", "--yes", "run", NOTEBOOK, "--headless", "--no-token", f"--port={port}"]
    log = tmp_path / "marimo.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=os.environ | {"SHAPEWIDGET_STATE": str(path_of("tagger")), "HOME": str(tmp_path)},
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_up(address, process, log)
        yield address
    finally:
        process.terminate()
        process.wait(60)


def wait_until_up(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(10 * MOST_S):
        try:
            urllib.request.urlopen(f"{address}/health").close()
            return
        except urllib.error.URLError:
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            break
    raise RuntimeError(f"marimo did not start:\n{log.read_text()}")


def test_a_click_in_marimo_shows_the_details_and_reaches_python(marimo, chromium: Browser):
    page = chromium.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(MOST_MS)
    errors = []
    page.on("pageerror", lambda error: errors.append(error))
    page.goto(marimo)
    badge = page.locator(".swg-badge")
    expect(badge).to_have_text("✕ 2·hidden = 64 ≠ 32")
    badge.click()
    expect(page.locator(".swg-panel h3")).to_contain_text("head")
    expect(page.get_by_text("selected: encoder.lstm:0 → head:0")).to_be_visible()
    page.screenshot(path=ROOT / "artifacts" / "marimo.png")
    page.close()
    assert errors == []
