"""How much the largest operation of a call works on, on any backend."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from shapewidget.frameworks.keras.backends import BACKEND
from shapewidget.frameworks.keras.backends.protocol import Original, Settings
from shapewidget.frameworks.keras.names import UNTOLD
from shapewidget.frameworks.keras.tensors import shape


def widest(call: Callable[[], object]) -> int:
    """Values in the operands and results of the largest operation that a call runs.

    Raises:
        Exception: Whatever the call raises.
    """
    found = _Widest()
    with BACKEND.operations(found):
        call()
    return found.values


class _Widest:
    """See `shapewidget.frameworks.keras.backends.protocol.Listener`; inside of an operation nothing is told."""

    def __init__(self) -> None:
        self.values = 0
        self._is_blind = False

    def is_passed_by(self) -> bool:
        return self._is_blind

    @contextlib.contextmanager
    def blindly(self) -> Iterator[None]:
        was, self._is_blind = self._is_blind, True
        try:
            yield
        finally:
            self._is_blind = was

    def ran(self, name: str, inputs: Sequence[Any], outputs: Sequence[Any], settings: Settings) -> None:
        if name not in UNTOLD:
            self.values = max(self.values, sum(math.prod(shape(each)) for each in (*inputs, *outputs)))

    def goes_on(self, name: str, arguments: Mapping[str, Any]) -> bool:
        return False

    def refused(self, name: str, arguments: Mapping[str, Any], error: BaseException, again: object = None) -> None:
        """It raises further on."""

    def gradient(self, original: Original, *args: Any, **kwargs: Any) -> Any:
        return original(*args, **kwargs)

    def unseen(self, original: Original, *args: Any, **kwargs: Any) -> Any:
        return original(*args, **kwargs)

    tried = unseen
