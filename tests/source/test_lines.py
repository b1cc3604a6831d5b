"""Which line of the user's is running, and the name that a person knows it by."""

import linecache
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from cells import KernelShell, run, shell_of

from shapewidget.frameworks.source import here, resolve
from shapewidget.frameworks.source.cells import label
from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.text import Source
from shapewidget.zoo import torch_models


def test_here_names_the_line_and_the_expression_of_a_file(script):
    capture = script("x = 1\nö = [here(), 'ü']\n")["ö"][0]
    found = resolve(capture)
    assert (found.label, found.line, found.text, found.expression) == ("mine.py", 2, "ö = [here(), 'ü']", "here()")


def test_here_names_the_cell(shell):
    run(shell, "1 + 1")
    shell.user_ns["here"] = here
    found = resolve(run(shell, "x = 0\ncapture = (0, here())[1]")["capture"])
    assert str(found) == "In [2], line 2"
    assert found.expression == "here()"


def test_here_gives_the_whole_of_a_chain_broken_over_lines(script):
    chain = "class X:\n    def a(self):\n        return self\n    def b(self):\n        return here()\n"
    capture = script(chain + "def run(x):\n    return (x\n        .a()\n        .b())\nfound = run(X())\n")["found"]
    assert resolve(capture).expression == "here()"
    code = next(code for code in _codes(capture, "run"))
    call = [place for place in code.co_positions() if place[0] == 9]
    offset = list(code.co_positions()).index(call[-1])
    found = resolve((code, 2 * offset))
    assert (found.line, found.expression) == (9, "x\n        .a()\n        .b()")


def _codes(capture, name):
    source = Source.read(capture[0].co_filename)
    return (code for code in source.functions(by_statement=False) if code.co_name == name)


def test_here_passes_over_the_standard_library(script):
    stack = "from contextlib import ExitStack\nx = []\nwith ExitStack() as stack:\n"
    found = script(stack + "    stack.callback(lambda: x.append(here()))\n")
    assert resolve(found["x"][0]).line == 4
    through = script("from functools import singledispatch\n@singledispatch\ndef f(x):\n    return here()\ny = f(1)\n")
    assert resolve(through["y"]).line == 4


def test_here_prefers_the_users_caller_of_a_library_function(tmp_path):
    library = {"here": here}
    exec(compile("def op():\n    return here()\n", str(tmp_path / "site-packages" / "lib.py"), "exec"), library)
    own = {"op": library["op"]}
    exec(compile("\n\nx = op()\n", str(tmp_path / "mine.py"), "exec"), own)
    assert own["x"][0].co_filename == str(tmp_path / "mine.py")


def test_here_stays_in_a_library_that_a_framework_called(tmp_path):
    library, machinery = {"here": here}, {}
    exec(compile("def op():\n    return here()\n", str(tmp_path / "site-packages" / "lib.py"), "exec"), library)
    exec(compile("def call(f):\n    return f()\n", linecache.__file__, "exec"), machinery)
    assert machinery["call"](library["op"])[0].co_filename.endswith("lib.py")


def test_here_is_none_without_a_frame_of_the_users():
    namespace = {"here": here}
    exec(compile("def f():\n    return here()", linecache.__file__, "exec"), namespace)
    assert _outside_of_tests(namespace["f"]) is None


def _outside_of_tests(function):
    """Called from a thread whose every frame is of the standard library."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def test_resolve_gives_the_line_number_where_there_is_no_source():
    namespace = {"here": here}
    exec("\n\nx = here()", namespace)
    found = resolve(namespace["x"])
    assert (found.label, found.line, found.text, found.expression) == ("<string>", 3, "", None)


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("<ipython-input-3-0a1b2c>", "In [3]"),
        ("/tmp/ipykernel_12/34.py", "a notebook cell"),
        ("/home/me/net.py", "net.py"),
    ],
)
def test_label_is_what_a_person_knows_the_source_by(filename, expected):
    assert label(filename) == expected


def test_label_finds_the_cell_by_its_text_where_the_shell_keeps_no_map():
    with shell_of(KernelShell) as shell:
        run(shell, "first = 1")
        code = run(shell, "def f(): pass")["f"].__code__
        del shell.compile._filename_map[code.co_filename]
        assert label(code.co_filename) == "In [2]"


def test_is_own_tells_the_users_sources_from_installed_ones():
    assert is_own(__file__)
    assert is_own(torch_models.__file__)
    assert not is_own(pytest.__file__)
    assert not is_own(sys.modules[here.__module__].__file__)
