"""Where a user's source can come from."""

import pytest
from cells import KernelShell, shell_of
from IPython.core.interactiveshell import InteractiveShell

from shapewidget.frameworks.source import here


@pytest.fixture(params=[InteractiveShell, KernelShell], ids=["ipython", "ipykernel"])
def shell(request):
    with shell_of(request.param) as shell:
        yield shell


@pytest.fixture
def script(tmp_path):
    """Runs a text as a file of the user's."""

    def load(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        namespace = {"__name__": "mine", "here": here}
        exec(compile(text, str(path), "exec"), namespace)
        return namespace

    return load
