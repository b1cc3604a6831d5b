"""A probe batch made from the model itself: from forward's signature, its layers, and a few tries.

The model may be broken somewhere in the middle: that is why somebody looks at it. So a guess has not to carry the
model to its end; the one that carries it furthest is taken.
"""

from __future__ import annotations

import inspect
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import nn

from shapewidget.errors import ProbeInputError
from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.torch.guesses import Guess, Maker, Sizes
from shapewidget.frameworks.torch.guesses_by_layer import guesses_by_layer
from shapewidget.frameworks.torch.guesses_by_name import guesses_by_name
from shapewidget.frameworks.torch.pretrained import pretrained_batch
from shapewidget.frameworks.torch.signature import forward_signature, written
from shapewidget.frameworks.torch.trial import Trial, tried
from shapewidget.frameworks.torch.widths import weight_sizes

BATCH_SIZES = (8, 6, 7, 9, 5, 10, 11, 3)
LENGTHS = (16, 14, 18, 13, 19, 21, 22, 12)
SHORT_LENGTHS = (7, 5, 6, 4, 3)
"""Sizes in the order of preference: the first is taken that no weight of the model has, so that none agrees by luck."""

SECONDS = 2.0
"""Time after which no further guess is tried, and after as much again no further length."""

MOST_TRIES = 60
"""Combinations of guesses that are tried."""

Arguments = Sequence[inspect.Parameter]


@dataclass(frozen=True)
class _Attempt:
    ranks: tuple[int, ...]
    guesses: tuple[Guess, ...]
    batch: Batch
    trial: Trial


def derive_inputs(model: nn.Module) -> Batch:
    """A batch that the model takes, with a sentence on where it comes from.

    Args:
        model: Run a few times under guard, and left as found.

    Raises:
        ProbeInputError: Nothing that was tried gets past the first layer; says for which argument, and what was tried.
    """
    batch = pretrained_batch(model)
    if batch is not None:
        return batch
    arguments = _arguments(model)
    if not arguments:
        return Batch((), origin=f"`{written(model)}` takes no inputs: it was called with none.")
    attempts = list(_attempts(model, arguments))
    best = max(attempts, key=lambda attempt: attempt.trial.score, default=None)
    if best is None or best.trial.score == (False, 0, 0):
        raise ProbeInputError(_refusal(model, arguments, attempts))
    return best.batch


def _arguments(model: nn.Module) -> list[inspect.Parameter]:
    """The arguments that have to be given; if none has, the first."""
    signature = forward_signature(model)
    if signature is None:
        return [inspect.Parameter("input", inspect.Parameter.POSITIONAL_ONLY)]
    every = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    needed = [each for each in every if each.default is each.empty and each.kind is not each.VAR_POSITIONAL]
    return needed or every[:1]


def _attempts(model: nn.Module, arguments: Arguments) -> Iterator[_Attempt]:
    """Tries until one carries the model to its end: of every guess at the usual sizes, then of the best at others."""
    taken = weight_sizes(model)
    batch, length, second = (_first_free(sizes, taken) for sizes in (BATCH_SIZES, LENGTHS, SHORT_LENGTHS))
    options = [_guesses(model, argument, Sizes(batch, length, second)) for argument in arguments]
    tried_ones: list[_Attempt] = []
    deadline = time.thread_time() + SECONDS
    for ranks in itertools.islice(_likeliest_first(options), MOST_TRIES):
        tried_ones.append(_attempt(model, arguments, options, ranks))
        yield tried_ones[-1]
        if tried_ones[-1].trial.error is None or time.thread_time() > deadline:
            break
    best = max(tried_ones, key=lambda attempt: attempt.trial.score, default=None)
    if best is None or best.trial.error is None or not any("T" in names for names in best.batch.axes):
        return
    deadline = time.thread_time() + SECONDS
    for other in (second, *_lengths_of(model, taken)):
        options = [_guesses(model, argument, Sizes(batch, other, second)) for argument in arguments]
        attempt = _attempt(model, arguments, options, best.ranks)
        if attempt.trial.error is None:
            yield attempt
        if attempt.trial.error is None or time.thread_time() > deadline:
            return


def _guesses(model: nn.Module, argument: inspect.Parameter, sizes: Sizes) -> list[Guess]:
    make = Maker(model)
    by_name = guesses_by_name(model, argument, make, sizes)
    return [*by_name, *guesses_by_layer(model, argument.name, make, sizes)]


def _attempt(
    model: nn.Module, arguments: Arguments, options: Sequence[Sequence[Guess]], ranks: tuple[int, ...]
) -> _Attempt:
    guesses = tuple(option[rank] for option, rank in zip(options, ranks, strict=True))
    made = [(argument, guess.make()) for argument, guess in zip(arguments, guesses, strict=True)]
    args = tuple(value for argument, value in made if argument.kind is not argument.KEYWORD_ONLY)
    kwargs = {argument.name: value for argument, value in made if argument.kind is argument.KEYWORD_ONLY}
    axes = tuple(names for guess in guesses for names in guess.axes)
    batch = Batch(args, kwargs, axes=axes, origin=_origin(model, arguments, guesses))
    return _Attempt(ranks, guesses, batch, tried(model, args, kwargs))


def _likeliest_first(options: Sequence[Sequence[Guess]]) -> list[tuple[int, ...]]:
    """Which guess of every argument to take, in the order of how far down the lists they are."""
    most = max(3, int(4000 ** (1 / len(options))))
    return sorted(itertools.product(*(range(len(option[:most])) for option in options)), key=sum)


def _first_free(preferred: Sequence[int], taken: set[int]) -> int:
    return next((size for size in preferred if size not in taken), preferred[0])


def _lengths_of(model: nn.Module, sizes: set[int]) -> list[int]:
    """Lengths that the model may be made for: those of tables, and what a linear layer behind a flattening leaves.

    Widths of layers are none: at such a length a forgotten transposition would go unnoticed.
    """
    tables = {module.num_embeddings for module in model.modules() if isinstance(module, nn.Embedding)}
    own = (module for module in model.modules() if not type(module).__module__.startswith("torch.nn"))
    tables |= {size for module in own for weight in module.parameters(recurse=False) for size in weight.shape}
    widths = {module.in_features for module in model.modules() if isinstance(module, nn.Linear)}
    steps = (sizes | {2 * size for size in sizes}) - {1}
    flattened = {width // step for width in widths for step in steps if width % step == 0}
    return sorted(length for length in tables | flattened if 1 < length <= 512)[:40]


def _origin(model: nn.Module, arguments: Arguments, guesses: Sequence[Guess]) -> str:
    if len(guesses) == 1:
        guess = guesses[0]
        return (
            f"No inputs were given: made a batch of {guess.what}, from {guess.place}, which `{written(model)}` feeds."
        )
    made = [
        f"`{argument.name}`, {guess.what} (from {guess.place})"
        for argument, guess in zip(arguments, guesses, strict=True)
    ]
    return f"No inputs were given: made {'; '.join(made)}."


def _refusal(model: nn.Module, arguments: Arguments, attempts: Sequence[_Attempt]) -> str:
    names = ", ".join(f"`{argument.name}`" for argument in arguments)
    hint = ", ".join("torch.randn(8, 16)" for _ in arguments)
    lines = [f"No inputs were given, and none could be derived for {names} of `{written(model)}`."]
    for attempt in attempts[:3]:
        what = "; ".join(f"`{a.name}` = {guess.what}" for a, guess in zip(arguments, attempt.guesses, strict=True))
        lines.append(f"Tried {what}: {attempt.trial.error}.")
    if len(attempts) > 3:
        lines.append(f"{len(attempts) - 3} other guesses failed as early.")
    tuple_hint = f"({hint})" if len(arguments) > 1 else hint
    lines.append(
        f"Give a batch of yours, as in attach(model, {tuple_hint}), with the shape and dtype that forward takes."
    )
    return " ".join(lines)
