"""JupyterLab with the settings that it has on Binder."""

import os
import shutil
import subprocess

import pytest
from browser.conftest import desk
from browser.notebooks import LabNotebook
from browser.patience import MOST_MS
from browser.servers import ROOT, Lab

LESSON = "notebooks/01_first_look.ipynb"
NOTE_THREADS = """import threading
callers = []
dashboard.controls["B"].slider.observe(lambda _: callers.append(threading.current_thread() is threading.main_thread()))
"""
HANDLES = ".widget-slider .noUi-handle"


class BinderLab(Lab):
    """JupyterLab after `binder/postBuild`, in a folder that holds the lessons as a checkout does."""

    name = "binder"

    def configure(self):
        super().configure()
        prefix = self.settings / "prefix"
        subprocess.run([ROOT / "binder" / "postBuild"], env=os.environ | {"NB_PYTHON_PREFIX": str(prefix)}, check=True)
        shutil.copytree(prefix / "etc" / "jupyter", self.settings / "config")
        shutil.copytree(ROOT / "notebooks", self.root / "notebooks")

    def command(self):
        return [*super().command(), f"--LabApp.app_settings_dir={self.settings}/prefix/share/jupyter/lab/settings"]


@pytest.fixture(scope="module")
def binder_server(tmp_path_factory):
    with BinderLab(tmp_path_factory.mktemp("binder")) as server:
        yield server


@pytest.fixture
def binder(binder_server, chromium, request):
    yield from desk(binder_server, chromium, request)


def test_binder_opens_the_first_lesson(binder_server, chromium):
    page = chromium.new_page()
    page.set_default_timeout(MOST_MS)
    page.goto(binder_server.address, wait_until="domcontentloaded")
    page.wait_for_url(f"**/lab/tree/{LESSON}")
    page.wait_for_function(LabNotebook.ready)
    page.close()
    binder_server.stop_kernels()


def test_first_lesson_runs_on_binder_with_widgets_on_the_main_thread(binder):
    notebook = binder.open(ROOT / LESSON, height=2200)
    code = notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap("
        "(cell, index) => (cell.model.type === 'code' ? [index] : []))"
    )
    for index in code:
        notebook.run_cell(index)
    notebook.kernel_eval(f"exec({NOTE_THREADS!r})")
    handle = notebook.page.locator(HANDLES).nth(3)  # of the second dashboard
    for places in (1, 2):
        handle.press("ArrowRight")
        notebook.wait_for_kernel(f"len(callers) >= {places}", True)
    assert notebook.kernel_eval("set(callers) == {True}")
