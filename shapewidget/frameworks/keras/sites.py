"""Where the user's source makes a layer or a loss, and edits of that place."""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import keras
from keras.src.utils.naming import to_snake_case

from shapewidget.frameworks.keras.guard import config_of
from shapewidget.frameworks.keras.losses import name_of
from shapewidget.frameworks.keras.naming import is_automatic
from shapewidget.frameworks.source import Capture, resolve
from shapewidget.frameworks.source.calls import argument
from shapewidget.frameworks.source.edits import adding_keyword
from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.text import Source, Span
from shapewidget.graph.remedies import SourceEdit

_WRAPPERS = (keras.layers.Wrapper, keras.layers.Bidirectional)


@dataclass(frozen=True)
class Site:
    """A call in the user's source that makes something.

    Attributes:
        source: The file or cell.
        tree: Its syntax tree.
        call: The call, a node of the tree.
    """

    source: Source
    tree: ast.Module
    call: ast.Call

    @property
    def text(self) -> str:
        """The call on one line."""
        return " ".join(self.source.text(Span.of(self.call)).split())

    def prefix(self, name: str) -> str:
        """How a class beside the one that is called is named here: "layers.Flatten" beside "layers.Dense"."""
        if isinstance(self.call.func, ast.Attribute):
            owner = ast.unparse(self.call.func.value)
            return f"{owner}.{'layers.' if owner in ('keras', 'tf.keras') else ''}{name}"
        imported = self.source.imported
        return name if name in imported else f"layers.{name}" if "layers" in imported else f"keras.layers.{name}"

    def with_argument(self, owner: Any, name: str, value: object) -> SourceEdit:
        """The edit that gives the call another argument; one of a wrapped layer where the wrapper has none."""
        call = self._holder(owner, name)
        names = list(inspect.signature(owner).parameters) if call is self.call else [name]
        given = argument(call, name, names)
        if given is not None:
            return self.source.replacing(Span.of(given), repr(value))
        return adding_keyword(self.source, call, name, repr(value))

    def _holder(self, owner: Any, name: str) -> ast.Call:
        inner = self.call.args[0] if self.call.args else None
        is_inside = name not in inspect.signature(owner).parameters and issubclass(owner, _WRAPPERS)
        return inner if is_inside and isinstance(inner, ast.Call) else self.call

    def with_layer_before(self, made: str, place: int) -> SourceEdit | None:
        """The edit that puts a layer before the one that is made here, where that is called or listed at once."""
        parent = _parent(self.tree, self.call)
        start = Span.of(self.call)
        at = Span(start.line, start.column, start.line, start.column)
        match parent:
            case ast.List() | ast.Tuple():
                return self.source.replacing(at, f"{made}, ")
            case ast.Call(func=function, args=[given]) if function is self.call:
                target = given.elts[place] if isinstance(given, ast.List | ast.Tuple) else given
                return self.source.replacing(Span.of(target), f"{made}({self.source.text(Span.of(target))})")
            case ast.Call(func=ast.Attribute(attr="add")):
                statement = Span.of(parent)
                head = self.source.lines[statement.line - 1].encode()[: statement.column].decode()
                added = self.source.text(Span(*statement.start, *start.start)) + f"{made})"
                return self.source.replacing(Span(*statement.start, *statement.start), f"{added}\n{head}")
        return None

    def with_other_loss(self, name: str, other: str, text: str) -> SourceEdit | None:
        """The edit that takes another loss or metric, whether it is made here or named in a call such as `compile`."""
        if self.makes(name):
            owner = ast.unparse(self.call.func).removesuffix(name)
            return self.replaced(f"{owner}{text}" if owner else text)
        names = {to_snake_case(name): to_snake_case(other)}
        for node in ast.walk(self.call):
            if isinstance(node, ast.Constant) and node.value in names:
                return self.source.replacing(Span.of(node), repr(names[str(node.value)]))
        return None

    def names(self, name: str) -> bool:
        """Whether the call names a loss or metric in a text."""
        texts = (node.value for node in ast.walk(self.call) if isinstance(node, ast.Constant))
        return to_snake_case(name) in texts

    def makes(self, name: str) -> bool:
        """Whether the call is one of a class of that name."""
        return ast.unparse(self.call.func).rpartition(".")[2] == name

    def replaced(self, text: str) -> SourceEdit:
        """The edit that puts another call in its place."""
        return self.source.replacing(Span.of(self.call), text)


def _parent(tree: ast.AST, child: ast.AST) -> ast.AST | None:
    return next((node for node in ast.walk(tree) if any(each is child for each in ast.iter_child_nodes(node))), None)


def site_at(capture: Capture | None) -> Site | None:
    """The call that was running; None where its source cannot be seen or is not the user's."""
    line = resolve(capture) if capture is not None else None
    if line is None or line.expression is None or not is_own(line.filename):
        return None
    source = Source.read(line.filename)
    for site in _calls(source) if source is not None else ():
        span = Span.of(site.call)
        if span.line <= line.line <= span.end_line and site.source.text(span) == line.expression:
            return site
    return None


def made_at(made: Any, capture: Capture | None) -> Site | None:
    """Where a layer or loss was seen being made; None where a function stands between that makes them by itself."""
    site = site_at(capture)
    return site if site is not None and (_is_named(site, made) or site.names(name_of(made))) else None


def compiled_at(loss: Any, captures: Iterable[Capture]) -> Site | None:
    """The one of some calls of `compile` that names a loss or metric; None where several do."""
    found = [site for site in map(site_at, captures) if site is not None and site.names(name_of(loss))]
    return found[0] if len(found) == 1 else None


def searched(made: Any, beside: Sequence[Any] = ()) -> Site | None:
    """The one call in the user's loaded sources that fits a layer, or names a loss; None where several do.

    Args:
        made: The layer, loss or metric.
        beside: The layers of its model. Of several calls of `compile` it is the one where these could be made.
    """
    fits = _fits if _is_layer(made) else _compiles
    found = [site for source in _own_sources() for site in _calls(source) if fits(site, made)]
    if len(found) > 1 and beside and not _is_layer(made):
        found = [site for site in found if _makes_all(site, beside)]
    return found[0] if len(found) == 1 else None


def _makes_all(site: Site, layers: Sequence[Any]) -> bool:
    """Whether the function around a call, or the module, has a call that could have made each of some layers."""
    functions = [node for node in ast.walk(site.tree) if isinstance(node, ast.FunctionDef)]
    around = [node for node in functions if any(each is site.call for each in ast.walk(node))]
    inside = [
        Site(site.source, site.tree, node)
        for node in ast.walk(around[-1] if around else site.tree)
        if isinstance(node, ast.Call)
    ]
    return all(any(_could_make(each, layer) for each in inside) for layer in layers)


def _compiles(site: Site, loss: Any) -> bool:
    return site.makes("compile") and site.names(name_of(loss))


def handing_masks_on(owner: type) -> tuple[Source, SourceEdit] | None:
    """The edit that lets a layer of the user's class hand masks on; None where it has no constructor to be seen."""
    functions = (each for each in vars(owner).values() if isinstance(each, FunctionType))
    filename = next((each.__code__.co_filename for each in functions), "")
    source = Source.read(filename) if is_own(filename) else None
    classes = (node for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)) if source is not None else ()
    for node in classes:
        for statement in (each for method in node.body for each in getattr(method, "body", [])):
            is_start = isinstance(statement, ast.Expr) and ast.unparse(statement).startswith("super().__init__(")
            if source is not None and node.name == owner.__name__ and is_start:
                span = Span.of(statement)
                text = f"{source.text(span)}\n{' ' * statement.col_offset}self.supports_masking = True"
                return source, source.replacing(span, text)
    return None


def _is_layer(made: Any) -> bool:
    return isinstance(made, keras.layers.Layer)


def _is_named(site: Site, made: Any) -> bool:
    return site.makes("Input") if isinstance(made, keras.layers.InputLayer) else site.makes(type(made).__name__)


def _fits(site: Site, layer: Any) -> bool:
    """Whether a call could have made a layer, and says something of it in plain values."""
    return _could_make(site, layer) and bool(_said_plainly(site, layer))


def _could_make(site: Site, layer: Any) -> bool:
    """Whether a call makes layers of that class, and whatever it says in plain values is so of this one."""
    if not _is_named(site, layer):
        return False
    config, plain = config_of(layer), _said_plainly(site, layer)
    is_of_that_name = "name" in plain or is_automatic(layer)
    return is_of_that_name and all(_alike(value, config[name]) for name, value in plain.items())


def _said_plainly(site: Site, layer: Any) -> dict[str, object]:
    config = config_of(layer)
    given = dict(zip(inspect.signature(type(layer)).parameters, site.call.args, strict=False))
    given |= {keyword.arg: keyword.value for keyword in site.call.keywords if keyword.arg}
    return {name: each.value for name, each in given.items() if isinstance(each, ast.Constant) and name in config}


def _alike(written: object, kept: object) -> bool:
    """Whether a configuration keeps what was written; names of functions and windows it keeps in another form."""
    return written == kept or (isinstance(kept, list | tuple) and set(kept) == {written}) or isinstance(kept, dict)


def _calls(source: Source) -> Iterator[Site]:
    tree = source.tree
    return (Site(source, tree, node) for node in ast.walk(tree) if isinstance(node, ast.Call))


def _own_sources() -> Iterator[Source]:
    """The user's modules and notebook cells."""
    modules = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    cells = [name for name in linecache.cache if name.startswith("<ipython") or "ipykernel" in name]
    for filename in dict.fromkeys([*(name for name in modules if name), *cells]):
        if filename.endswith(".py") or filename.startswith("<"):
            source = Source.read(filename) if is_own(filename) else None
            if source is not None:
                yield source
