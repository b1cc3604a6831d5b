"""The `shapewidget` fixture of pytest: what it reports is printed when the test fails.

Loaded by pytest itself wherever the package is installed, so nothing here may import more than pytest.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import shapewidget as package

if TYPE_CHECKING:
    from shapewidget.probing.report import Report


class Reports(list["Report"]):
    """The calls of `shapewidget` that give a report; each one made by a test is kept until the test has ended."""

    def probe(self, model: Any, inputs: Any = None, **options: Any) -> Report:
        """As `shapewidget.probe`."""
        return self._kept(package.probe(model, inputs, **options))

    def check_loader(self, loader: Any, **options: Any) -> Report:
        """As `shapewidget.check_loader`."""
        return self._kept(package.check_loader(loader, **options))

    @contextmanager
    def capture(self, **options: Any) -> Generator[Report]:
        """As `shapewidget.capture`."""
        with package.capture(**options) as report:
            yield self._kept(report)

    def _kept(self, report: Report) -> Report:
        self.append(report)
        return report


_REPORTS = pytest.StashKey[Reports]()


@pytest.fixture
def shapewidget(request: pytest.FixtureRequest) -> Reports:
    """`probe`, `capture` and `check_loader`; their reports are printed if the test fails."""
    reports: Reports = request.node.stash.setdefault(_REPORTS, Reports())
    return reports


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what was reported to a test that failed."""
    result = yield
    if call.when == "call" and result.failed:
        result.sections += [("shapewidget", str(report)) for report in item.stash.get(_REPORTS, ())]
    return result
