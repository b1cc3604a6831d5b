import subprocess
import sys

import pytest

MODEL = """
    from torch import nn

    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Linear(8, 16)
            self.head = nn.Linear(8, 4)

        def forward(self, x):
            return self.head(self.body(x))
"""
TESTS = {
    "probe": """
    def test_model(shapewidget):
        assert shapewidget.probe(Head()).ok
    """,
    "capture": """
    import torch

    def test_model(shapewidget):
        with shapewidget.capture():
            Head()(torch.ones(2, 8))
    """,
}


@pytest.mark.parametrize("call", TESTS)
def test_fixture_prints_the_report_of_a_test_that_fails(pytester, call):
    pytester.makepyfile(MODEL + TESTS[call])
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*- shapewidget -*", "*SW101*", "*16*8*"])


def test_fixture_prints_nothing_of_a_test_that_passes(pytester):
    pytester.makepyfile(MODEL + TESTS["probe"].replace(".ok", ".findings"))
    result = pytester.runpytest_subprocess("-rA")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*SW101*")


def test_plugin_loads_nothing_but_pytest():
    loaded = "import sys, pytest; before = set(sys.modules); import shapewidget.pytest_plugin; "
    script = loaded + "print({name.partition('.')[0] for name in set(sys.modules) - before})"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert not {"torch", "keras", "tensorflow", "IPython", "plotly", "ipywidgets"} & eval(output)
