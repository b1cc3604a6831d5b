"""Find out how to build the user's model again.

Nothing is believed that was not tried: arguments that were recovered count only when the class, built with them, has
every weight of the model under the same name and of the same shape.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from torch import nn

from shapewidget.errors import RebuildError
from shapewidget.frameworks.source.arithmetic import is_size
from shapewidget.frameworks.torch.likeness import Shape, difference, differing_settings, shapes
from shapewidget.frameworks.torch.rebuild import TorchConstructor, call_text
from shapewidget.frameworks.torch.recovery import Recipe, given, recovered

_SEARCH_SECONDS = 1.0
_LARGEST_GUESS = 64
_TRIAL_SIZES = ((16, 32), (64, 128), (256, 512))


def find_constructor(model: nn.Module, build: Callable[..., nn.Module] | None = None) -> TorchConstructor:
    """How to build a model at other sizes: by the user's function, or else by its own class.

    Args:
        model: Left as found.
        build: The user's function of the sizes, which are its keyword arguments.

    Raises:
        RebuildError: No way gives the model's own weights; says what is missing and what to pass.
    """
    if build is not None:
        return _by_function(model, build)
    if type(model) in (nn.Sequential, nn.ModuleList, nn.ModuleDict):
        kind = type(model).__name__
        raise RebuildError(
            f"The model is an nn.{kind} of layers that were built outside it, so no constructor holds its sizes. "
            f"{_advice(f'nn.{kind}')}"
        )
    return _by_class(model)


def _by_class(model: nn.Module) -> TorchConstructor:
    recipe = recovered(model)
    missing = [name for name in recipe.guessed if name not in recipe.arguments]
    if missing:
        found, problem = None, f"its argument {missing[0]!r} was found neither in its attributes nor in its layers"
    else:
        found, problem = _tried(model, recipe)
    found = found or _searched(model, recipe)
    if found is None:
        raise RebuildError(f"{recipe.name} cannot be built at other sizes: {problem}. {_advice(recipe.name)}")
    return found


def _by_function(model: nn.Module, build: Callable[..., nn.Module]) -> TorchConstructor:
    recipe = given(model, build)
    if recipe.guessed:
        solved = _solved(model, recipe)
        recipe = replace(recipe, arguments={**recipe.arguments, **solved}, guessed=())
    found, problem = _tried(model, recipe)
    if found is None:
        raise RebuildError(
            f"build= does not give the model that is shown: {problem}. Give its arguments their present values as "
            "defaults: build=lambda hidden_size=256: ..."
        )
    return found


def _advice(call: str) -> str:
    return f"Pass build=lambda hidden_size: {call}(...), with the size in its place."


def _tried(model: nn.Module, recipe: Recipe) -> tuple[TorchConstructor | None, str]:
    """The constructor, if the recipe gives the model's weights; else why it does not."""
    constructor = TorchConstructor(model, recipe)
    try:
        made = constructor.rehearsed({})
    except RebuildError as error:
        return None, str(error).rstrip(".")
    problem = difference(made, model)
    if problem:
        return None, f"{call_text(recipe.name, recipe.arguments)} has {problem}"
    return replace(constructor, carried=differing_settings(made, model)), ""


def _searched(model: nn.Module, recipe: Recipe) -> TorchConstructor | None:
    """Try flags, small numbers and sizes of weights for an argument of which nothing was found."""
    deadline = time.thread_time() + _SEARCH_SECONDS
    missing = [name for name in recipe.guessed if name not in recipe.arguments]
    larger = sorted({size for shape in shapes(model).values() for size in shape or () if size > _LARGEST_GUESS})
    for name in missing or recipe.guessed:
        default = recipe.arguments.get(name)
        flags = [False, True] if default is None or isinstance(default, bool) else []
        counts = (*range(1, _LARGEST_GUESS + 1), *larger) if default is None or is_size(default) else ()
        for guess in [*flags, *counts] if len(missing) < 2 else []:
            found, _ = _tried(model, replace(recipe, arguments={**recipe.arguments, name: guess}))
            if found is not None and guess is True and _is_number(found, name):
                found, _ = _tried(model, replace(recipe, arguments={**recipe.arguments, name: 1}))
            if found is not None or time.thread_time() > deadline:
                return found
    return None


def _is_number(constructor: TorchConstructor, name: str) -> bool:
    """Whether an argument for which True will do is a number: 2 gives weights of other shapes."""
    with contextlib.suppress(RebuildError):
        one, two = (shapes(constructor.rehearsed({name: value})) for value in (1, 2))
        return one.keys() == two.keys() and one != two
    return False


def _solved(model: nn.Module, recipe: Recipe) -> dict[str, int]:
    """Present values of the arguments of the user's function, from how the weights follow each of them."""
    constructor, wanted = TorchConstructor(model, recipe), shapes(model)
    for low, high in _TRIAL_SIZES:
        with contextlib.suppress(RebuildError):
            base = dict.fromkeys(recipe.guessed, low)
            before = shapes(constructor.rehearsed(base))
            votes = {
                name: Counter(_values(before, shapes(constructor.rehearsed({**base, name: high})), wanted, low, high))
                for name in recipe.guessed
            }
            return {name: sizes.most_common(1)[0][0] for name, sizes in votes.items() if sizes}
    return {}


def _values(
    before: Mapping[str, Shape | None],
    after: Mapping[str, Shape | None],
    wanted: Mapping[str, Shape | None],
    low: int,
    high: int,
) -> Iterator[int]:
    """The size at which each axis of each weight would be as wanted: every axis is taken for a straight line."""
    for name in before.keys() & after.keys() & wanted.keys():
        for one, two, size in zip(before[name] or (), after[name] or (), wanted[name] or (), strict=False):
            if one != two:
                value = low + Fraction((size - one) * (high - low), two - one)
                if value.denominator == 1 and value >= 1:
                    yield int(value)
