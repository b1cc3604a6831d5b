"""Whether a training loop may run once more on copies: it trains, prints and counts, and reaches nothing outside."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType

from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.repeatable import definition, value_of_name

_MODULES = frozenset(
    (
        "collections",
        "copy",
        "functools",
        "itertools",
        "math",
        "numpy",
        "operator",
        "random",
        "statistics",
        "time",
        "tqdm",
    )
)
_REFUSED = frozenset(
    "breakpoint compile dump eval exec input load loads open remove run save savez savetxt send sleep system tofile "
    "unlink urlopen write writelines".split()
)
_METHODS = frozenset(
    "add append backward clear close copy detach discard eval extend format get item items join keys "
    "named_parameters parameters pop popleft push scale set_description set_epoch set_postfix setdefault sort split "
    "startswith endswith state_dict step strip sum train unscale_ update values zero_ zero_grad".split()
)
_STATEMENTS_REFUSED = (
    ast.Import, ast.ImportFrom, ast.Await, ast.ClassDef, ast.AsyncFor, ast.AsyncWith,
    ast.AsyncFunctionDef,
)  # fmt: skip
_DEEPEST = 5


@dataclass(frozen=True)
class RepeatableLoops:
    """What a loop may call.

    Attributes:
        modules: The top modules of the framework.
        methods: What its tensors can do.
    """

    modules: Collection[str]
    methods: Collection[str]

    def allow(self, nodes: Iterator[ast.AST], names: Mapping[str, object], depth: int = 0) -> bool:
        """Whether everything in these nodes may be run again, given the values of their names."""
        return depth < _DEEPEST and all(
            not isinstance(node, _STATEMENTS_REFUSED)
            and (not isinstance(node, ast.Call) or self._calls(node, names, depth))
            for node in nodes
        )

    def _calls(self, call: ast.Call, names: Mapping[str, object], depth: int) -> bool:
        function = call.func
        meaning = value_of_name(function, names)
        owner = value_of_name(function.value, names) if isinstance(function, ast.Attribute) else None
        if meaning is None and isinstance(function, ast.Attribute) and owner is not None:
            found = inspect.getattr_static(type(owner), function.attr, None)
            return found is None or (self._is_known(type(owner)) and function.attr not in _REFUSED)
        if meaning is None:
            name = function.attr if isinstance(function, ast.Attribute) else ""
            is_defined = isinstance(function, ast.Name) and function.id not in names
            return is_defined or name in _METHODS or (name in self.methods and name not in _REFUSED)
        given = [value_of_name(each, names) for each in call.args]
        return self._may_be_called(meaning, owner, given, depth)

    def _may_be_called(self, meaning: object, owner: object, given: Sequence[object], depth: int) -> bool:
        name = str(getattr(meaning, "__name__", ""))
        bound: object = meaning
        if isinstance(bound, MethodType):
            meaning, owner = bound.__func__, bound.__self__
        if isinstance(meaning, FunctionType) and is_own(meaning.__code__.co_filename):
            is_method = owner is not None and not isinstance(owner, ModuleType)
            return self._body(meaning, [owner, *given] if is_method else given, depth)
        if getattr(builtins, name, None) is meaning:
            return name not in _REFUSED
        kind = meaning if isinstance(meaning, type | FunctionType) or inspect.isbuiltin(meaning) else type(meaning)
        return name not in _REFUSED and self._is_known(kind)

    def _is_known(self, kind: object) -> bool:
        """Whether something is the framework's, or of a module that only reckons; a user's own layer is called."""
        bases = kind.__mro__ if isinstance(kind, type) else (kind,)
        modules = [str(getattr(base, "__module__", None) or "builtins") for base in bases]
        return (
            any(
                module.split(".")[0] in (*_MODULES, *self.modules)
                and "distributed" not in module
                and "tensorboard" not in module
                for module in modules[: -1 if len(modules) > 1 else None]
            )
            or modules[0] == "builtins"
        )

    def _body(self, function: FunctionType, given: Sequence[object], depth: int) -> bool:
        """Whether a function of the user's may be run again, with what is known of its arguments."""
        node = definition(function)
        if node is None:
            return False
        closed = inspect.getclosurevars(function).nonlocals
        local: dict[str, object] = dict.fromkeys(function.__code__.co_varnames)
        taken = dict(zip(function.__code__.co_varnames[: function.__code__.co_argcount], given, strict=False))
        names: dict[str, object] = {**function.__globals__, **closed, **local, **taken}
        body = node.body if isinstance(node.body, list) else [node.body]
        return self.allow((each for statement in body for each in ast.walk(statement)), names, depth + 1)
