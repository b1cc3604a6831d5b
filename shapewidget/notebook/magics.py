"""`%shapewidget`: the dashboard as an IPython magic.

Loaded by `%load_ext shapewidget`, so nothing here may import widgets, plotly or a framework before a model is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from shapewidget.errors import ShapeWidgetError
from shapewidget.notebook import completion
from shapewidget.notebook.error_hints import ErrorHints
from shapewidget.probing.last_error import last_error

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from shapewidget.notebook.dashboard import Dashboard

HELP = """\
%shapewidget                                  explain the error that was just raised; this help if there was none
%shapewidget --auto on                        put the finding under every shape error; --auto off: not even a hint
%shapewidget model                            the dashboard of a model; a probe batch is derived from it
%shapewidget model --inputs x                 the same with inputs of yours: a tensor, a tuple or a dict
%shapewidget model --inputs "(x, lengths)"    an expression with spaces stands in quotes
%shapewidget model --inputs x --targets y --loss loss
%%shapewidget                                 on top of a cell: run it recorded, and see what no error says
%shapewidget?                                 all options
"""

EXPRESSIONS = ("inputs", "targets", "loss", "loader", "build")
TEXTS = ("axes", "device")


@magics_class
class ShapeWidgetMagics(Magics):
    """The magics of shapewidget."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._hints = ErrorHints(shell)
        self._hints.start()
        completion.start(shell)

    def close(self) -> None:
        """Leave the shell as it was."""
        self._hints.stop()
        completion.stop(self._shell)

    @no_var_expand  # braces are a dict of inputs here
    @magic_arguments()
    @argument("model", nargs="*", help="The model: a name or an expression. Without one, the last error is explained.")
    @argument("--inputs", help="A tensor, a tuple (positional) or a dict (keywords).")
    @argument("--targets", help="What the loss compares with.")
    @argument("--loss", help="The loss function.")
    @argument("--loader", help="What gives batches: the model is tried on the odd ones too.")
    @argument("--axes", help='What the axes of the inputs mean: "B T", or a tuple or dict for several inputs.')
    @argument("--build", help="A function that builds the model at another hidden_size.")
    @argument("--device", help="Probe a copy of the model there: cuda:0.")
    @argument("--auto", choices=("on", "off", "hint"), help="Under a shape error: its finding, nothing, or a hint.")
    @line_magic
    def shapewidget(self, line: str) -> Dashboard | None:
        """Show the tensor shapes, memory and timing of a model under this cell."""
        arguments = parse_argstring(self.shapewidget, line)
        if arguments.auto is not None:
            self._hints.mode = arguments.auto
        if not arguments.model:
            if arguments.auto is not None:
                return None
            if line.strip():
                raise UsageError(f"No model was given. Name it first: %shapewidget model {line.strip()}")
            return self._explained()
        model = self._value("model", " ".join(arguments.model))
        options = {name: self._value(f"--{name}", given) for name in EXPRESSIONS if (given := getattr(arguments, name))}
        options |= {name: self._text(f"--{name}", given) for name in TEXTS if (given := getattr(arguments, name))}
        try:
            dashboard = _dashboard(model, options)
        except ShapeWidgetError as error:
            raise UsageError(str(error)) from None
        dashboard.display_once()
        return dashboard

    @no_var_expand
    @magic_arguments("%%shapewidget")
    @argument("name", nargs="?", help="A variable that the report is kept in.")
    @cell_magic("shapewidget")  # type: ignore[arg-type]  # IPython annotates the decorators for line magics
    def recorded_cell(self, line: str, cell: str) -> None:
        """Run the cell as it is, recorded, and show what was found in it: a training loop, a model that is built."""
        from shapewidget.notebook.recorded_cell import CellFailed, run_recorded
        from shapewidget.notebook.report_view import ReportView

        name = parse_argstring(self.recorded_cell, line).name
        if name is not None and not name.isidentifier():
            raise UsageError(f"{name!r} is no name for the report. Expected a variable's: %%shapewidget report")
        try:
            with self._hints.silent():
                report, error = run_recorded(self._shell, cell)
        except ShapeWidgetError as refusal:
            raise UsageError(str(refusal)) from None
        if name is not None:
            self._shell.user_ns[name] = report
        ReportView(report)._ipython_display_()
        if error is not None:
            raise CellFailed from None

    def _explained(self) -> Dashboard | None:
        """The dashboard of what raised last; its graph and findings where it cannot be run at other sizes."""
        if last_error() is None:
            print(HELP, end="")
            return None
        from shapewidget.notebook.report_view import ReportView
        from shapewidget.probing.explain import explain

        report = explain()
        if report.session is None:
            ReportView(report)._ipython_display_()
            return None
        dashboard = report.show()
        dashboard.display_once()
        return dashboard

    @property
    def _shell(self) -> InteractiveShell:
        assert self.shell is not None
        return self.shell

    def _value(self, option: str, text: str) -> Any:
        """The value of an expression in the user's namespace."""
        expression = _unquoted(text)
        try:
            return self._shell.ev(expression)
        except Exception as error:
            raise UsageError(
                f"{option} {expression} has no value: {type(error).__name__}: {error}. "
                "Expected a name or an expression of this notebook; one with spaces stands in quotes."
            ) from None

    def _text(self, option: str, text: str) -> Any:
        """A text, unless it is a variable's name or stands in brackets."""
        inner = _unquoted(text)
        is_expression = inner[:1] in ("(", "[", "{") or (inner == text and inner in self._shell.user_ns)
        return self._value(option, inner) if is_expression else inner


def _dashboard(model: Any, options: dict[str, Any]) -> Dashboard:
    from shapewidget.notebook.dashboard import Dashboard
    from shapewidget.probing.session import Session

    return Dashboard(Session(model, **options))


def _unquoted(text: str) -> str:
    """IPython keeps the quotes that hold an argument with spaces together."""
    is_quoted = len(text) >= 2 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if is_quoted else text


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """Add `%shapewidget`; called by `%load_ext shapewidget`."""
    unload_ipython_extension(ipython)
    ipython.register_magics(ShapeWidgetMagics)


def unload_ipython_extension(ipython: InteractiveShell) -> None:
    """Take `%shapewidget` away again; called by `%unload_ext shapewidget`."""
    manager = ipython.magics_manager
    registered = manager.registry.pop(ShapeWidgetMagics.__name__, None)
    if registered is not None:
        registered.close()
        for kind in ("line", "cell"):
            manager.magics[kind].pop("shapewidget", None)
        ipython.configurables.remove(registered)
