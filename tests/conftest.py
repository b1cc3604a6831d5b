"""The order of the steps: what is quick runs first, what drives a browser last."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
STEPS = ("packaging", "browser")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test in a step's folder with the step, and put the steps behind the unit tests.

    What drives a browser is tried once more where it fails: a page may be redrawn, or a machine be busy, at the wrong
    moment. Each such failure is printed with its traceback at the end of the run, to be mended, and a run forgives
    three at most.
    """

    def step(item: pytest.Item) -> int:
        folder = item.path.relative_to(HERE).parts[0]
        return STEPS.index(folder) if folder in STEPS else -1

    for item in items:
        if step(item) >= 0:
            item.add_marker(STEPS[step(item)])
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))
    items.sort(key=step)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test learns from the runs of another one, or of this machine's user."""
    monkeypatch.setenv("SHAPEWIDGET_CACHE", "")


@pytest.fixture(autouse=True)
def loaders_have_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe reads as much of a loader on a busy machine as on an idle one."""
    monkeypatch.setattr("shapewidget.probing.session._LOADER_SECONDS", 600.0)
