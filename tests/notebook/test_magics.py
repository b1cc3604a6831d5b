import subprocess
import sys

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from stand_in import RecordingSession
from traitlets.config import Config

from shapewidget.errors import ProbeInputError
from shapewidget.notebook import report_view
from shapewidget.notebook.dashboard import Dashboard
from shapewidget.probing import session as session_module

LOAD = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
shell.run_line_magic("load_ext", "shapewidget")
shell.run_line_magic("shapewidget", "")
print(*{name.partition(".")[0] for name in sys.modules})
"""


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """A real IPython with the extension loaded."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"hist_file": ":memory:"}}))
    shell.run_line_magic("load_ext", "shapewidget")
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture
def asked(monkeypatch):
    """The arguments that sessions were made with."""
    calls = []

    def make(model, **options):
        calls.append((model, options))
        return RecordingSession()

    monkeypatch.setattr(session_module, "Session", make)
    return calls


@pytest.fixture
def published(monkeypatch):
    """The bundles that were displayed."""
    bundles = []
    monkeypatch.setattr(report_view, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def state(shell):
    """What loading an extension could leave behind."""
    manager = shell.magics_manager
    return (
        set(manager.magics["line"]),
        set(manager.magics["cell"]),
        set(manager.registry),
        len(shell.configurables),
        {event: len(callbacks) for event, callbacks in shell.events.callbacks.items()},
        set(shell.strdispatchers["complete_command"].strs),
    )


def run(shell, cell):
    """Run a cell; gives its result, or the error that it ended with."""
    result = shell.run_cell(cell, store_history=True)
    return result.error_in_exec or result.error_before_exec or result.result


def test_magic_shows_a_dashboard_of_the_model(shell, asked, published):
    shell.user_ns["model"] = "a model"
    assert isinstance(run(shell, "%shapewidget model"), Dashboard)
    assert asked == [("a model", {})]
    assert len(published) == 1


@pytest.mark.parametrize("cell", ["%shapewidget model\nprint('more')", "dashboard = %shapewidget model"])
def test_magic_shows_it_wherever_it_stands_in_the_cell(shell, asked, published, cell):
    shell.user_ns["model"] = "a model"
    assert not isinstance(run(shell, cell), Exception)
    assert len(published) == 1


def test_magic_can_be_assigned_and_shown_again_in_another_cell(shell, asked, published):
    shell.user_ns["model"] = "a model"
    run(shell, "dashboard = %shapewidget model")
    assert isinstance(shell.user_ns["dashboard"], Dashboard)
    run(shell, "dashboard")
    assert len(published) == 2


def test_magic_evaluates_its_options_in_the_users_namespace(shell, asked, published):
    shell.user_ns |= {"models": ["a", "b"], "x": 1, "lengths": 2, "y": 3, "mse": "a loss", "make": "a function"}
    run(
        shell,
        "%shapewidget models[1] --inputs '(x, lengths)' --targets y --loss mse --axes \"B T\" --build make"
        " --device cuda:0",
    )
    options = {"inputs": (1, 2), "targets": 3, "loss": "a loss", "axes": "B T", "build": "make", "device": "cuda:0"}
    assert asked == [("b", options | {"build": "a function"})]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("model --inputs {'ids': x}", None),
        ("model --inputs \"{'ids': x}\"", {"inputs": {"ids": 1}}),
        ("model --axes B", {"axes": "B"}),
        ("model --axes order", {"axes": "T B"}),
        ("model --axes 'order'", {"axes": "order"}),
        ("model --axes \"('B T', 'B')\"", {"axes": ("B T", "B")}),
        ("model --device cpu", {"device": "cpu"}),
        ("model --device where", {"device": "mps"}),
    ],
)
def test_magic_tells_texts_from_expressions(shell, asked, published, line, expected):
    shell.user_ns |= {"model": "a model", "x": 1, "order": "T B", "where": "mps"}
    outcome = run(shell, f"%shapewidget {line}")
    if expected is None:
        assert isinstance(outcome, Exception)
    else:
        assert asked == [("a model", expected)]


def test_magic_takes_an_expression_with_spaces_for_the_model(shell, asked, published):
    shell.user_ns["Tagger"] = lambda *sizes: sizes
    run(shell, "%shapewidget Tagger(5, 3) --device cpu")
    assert asked == [((5, 3), {"device": "cpu"})]


def test_magic_alone_prints_a_short_help(shell, asked, capsys):
    assert run(shell, "%shapewidget") is None
    assert "%shapewidget model --inputs x" in capsys.readouterr().out
    assert asked == []


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("modell", "model modell has no value: NameError: name 'modell' is not defined."),
        ("model --inputs y", "--inputs y has no value: NameError: name 'y' is not defined."),
        ('model --inputs "(1,"', "--inputs (1, has no value: SyntaxError"),
        ("--inputs 1", "No model was given. Name it first: %shapewidget model --inputs 1"),
    ],
)
def test_magic_says_what_is_wrong_in_one_message(shell, asked, capsys, line, text):
    shell.user_ns["model"] = "a model"
    assert isinstance(run(shell, f"%shapewidget {line}"), Exception)
    printed = "".join(capsys.readouterr())
    assert text in printed
    assert "Traceback" not in printed
    assert asked == []


def test_magic_shows_our_own_errors_without_a_traceback(shell, monkeypatch, capsys):
    def refuse(model, **options):
        raise ProbeInputError("No inputs were given. Pass inputs=...")

    monkeypatch.setattr(session_module, "Session", refuse)
    assert isinstance(run(shell, "%shapewidget 1"), Exception)
    printed = "".join(capsys.readouterr())
    assert "No inputs were given. Pass inputs=..." in printed
    assert "Traceback" not in printed
    assert "magics.py" not in printed


def test_magic_lets_other_errors_through_with_their_traceback(shell, monkeypatch, capsys):
    def fail(model, **options):
        raise RuntimeError("a bug")

    monkeypatch.setattr(session_module, "Session", fail)
    assert isinstance(run(shell, "%shapewidget 1"), RuntimeError)
    assert "Traceback" in "".join(capsys.readouterr())


def test_extension_leaves_ipython_as_it_was(shell):
    loaded = state(shell)
    shell.run_line_magic("unload_ext", "shapewidget")
    before = state(shell)
    assert "shapewidget" not in before[0]
    assert before != loaded
    for _ in range(3):
        shell.run_line_magic("load_ext", "shapewidget")
        assert state(shell) == loaded
        shell.run_line_magic("unload_ext", "shapewidget")
        assert state(shell) == before


def test_extension_can_be_loaded_twice_and_reloaded(shell):
    loaded = state(shell)
    shell.run_line_magic("load_ext", "shapewidget")
    shell.run_line_magic("reload_ext", "shapewidget")
    assert state(shell) == loaded
    assert run(shell, "%shapewidget") is None


def test_extension_loads_no_widget_no_plotly_and_no_framework():
    result = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)
    loaded = set(result.stdout.splitlines()[-1].split())
    assert "shapewidget" in loaded
    assert loaded.isdisjoint({"ipywidgets", "anywidget", "plotly", "torch", "keras", "tensorflow", "pandas", "numpy"})


# -- %%shapewidget: a cell run recorded ------------------------------------------------------------------------------

LOOP = """import torch
from torch import nn
model, x, y = nn.Linear(4, 1), torch.randn(8, 4), torch.randn(8, 1)
for _ in range(2):
    loss = nn.functional.mse_loss(model(x), y{slip})
    loss.backward()
"""


def test_cell_magic_runs_the_cell_and_keeps_what_it_made(shell, published):
    assert run(shell, "%%shapewidget report\n" + LOOP.format(slip="")) is None
    assert shell.user_ns["report"].ok
    assert shell.user_ns["model"].weight.grad is not None
    assert published[0]["text/plain"].startswith("captured code on cpu: all shapes agree")


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_cell_magic_shows_what_no_error_says_with_the_line_of_the_cell(shell, published):
    run(shell, "x = 1")
    run(shell, "%%shapewidget report\n" + LOOP.format(slip="[:, 0]"))
    (finding,) = shell.user_ns["report"].findings
    assert finding.code == "SW302"
    assert str(finding.source) == "In [2], line 6"
    assert "SW302" in published[0]["text/html"]


def test_cell_magic_numbers_the_result_as_the_cell(shell, published, capsys):
    run(shell, "import torch")
    run(shell, "'first'")
    run(shell, "%%shapewidget\ntorch.ones(2).sum() and 'second'")
    assert "Out[3]: 'second'" in capsys.readouterr().out
    assert shell.user_ns["Out"] == {2: "first", 3: "second"}


def test_cell_magic_explains_an_error_and_ends_the_cell_with_it_once(shell, published, capsys):
    error = run(shell, "%%shapewidget report\n" + LOOP.format(slip="").replace("randn(8, 4)", "randn(8, 5)"))
    assert type(error).__name__ == "CellFailed"
    assert shell.user_ns["report"].findings[0].code == "SW101"
    said = capsys.readouterr().out
    assert "The cell ended with the error whose traceback is above." in said
    assert said.count("mat1 and mat2 shapes cannot be multiplied (8x5 and 4x1)") == 1
    assert "%shapewidget explains" not in said  # it is explained below
    assert "recorder.py" not in said  # nor do we stand in the traceback
    assert len(published) == 1


def test_cell_magic_stands_in_no_traceback_of_keras(shell, published, capsys):
    build = "import keras, numpy\nmodel = keras.Sequential([keras.layers.Dense(3)])\nmodel.compile('sgd', 'mse')\n"
    run(shell, f"%%shapewidget\n{build}model.fit(numpy.ones((4, 2)), numpy.ones((4, 5)), verbose=0)")
    said = capsys.readouterr().out
    assert "Incompatible shapes: [4,5] vs. [4,3]" in said
    assert "shapewidget/frameworks" not in said


def test_cell_magic_explains_a_syntax_error_as_the_shell_does(shell, published, capsys):
    run(shell, "%%shapewidget\nimport torch\nfor")
    assert capsys.readouterr().out.count("SyntaxError") == 1


def test_cell_magic_takes_a_cell_with_magics_of_its_own(shell, published):
    assert run(shell, "%%shapewidget\nimport torch\nhere = %pwd\nsame = torch.ones(2)") is None
    assert "here" in shell.user_ns


def test_cell_magic_refuses_what_is_no_name(shell):
    run(shell, "import torch")
    assert "'my-report' is no name" in str(run(shell, "%%shapewidget my-report\nran = True"))
    assert "ran" not in shell.user_ns


# -- under an error: a hint, or the finding -------------------------------------------------------------------------

WRONG = "import torch\nfrom torch import nn\nnn.Sequential(nn.Linear(4, 8), nn.Linear(4, 2))(torch.ones(3, 4))"
HINT = "%shapewidget explains this error."


def test_hint_stands_under_an_error_of_the_framework(shell, capsys):
    run(shell, WRONG)
    assert capsys.readouterr().out.rstrip().endswith(HINT)


@pytest.mark.parametrize("cell", ["{}['a']", "raise ValueError('mine')", "import torch; torch.ones(2)", "for"])
def test_hint_stands_under_nothing_else(shell, capsys, cell):
    run(shell, "import torch")
    run(shell, cell)
    assert HINT not in capsys.readouterr().out


def test_auto_on_puts_the_finding_under_the_error_and_off_nothing(shell, capsys):
    run(shell, "%shapewidget --auto on")
    run(shell, WRONG)
    said = capsys.readouterr().out
    assert "SW101 The layer was built for another width" in said
    assert "Fix (run, and it holds)" in said
    assert said.rstrip().endswith(HINT)
    run(shell, "%shapewidget --auto off")
    run(shell, WRONG)
    assert HINT not in capsys.readouterr().out


def test_auto_refuses_another_word(shell):
    assert "invalid choice" in str(run(shell, "%shapewidget --auto maybe"))


# -- Tab ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("%shapewidget model --in", "--inputs"),
        ("%shapewidget --auto o", "off"),
        ("%shapewidget my_mod", "my_model"),
        ("%shapewidget sys.byteo", "sys.byteorder"),
    ],
)
def test_tab_completes_options_and_names(shell, typed, expected):
    shell.user_ns |= {"my_model": "a model", "sys": sys}
    with provisionalcompleter():
        assert expected in {each.text for each in shell.Completer.completions(typed, len(typed))}
