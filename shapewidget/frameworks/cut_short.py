"""What an interrupt cut short is ended at once, not when its frames are collected.

A context manager that is a generator, and is interrupted before its exit has begun, stays suspended as long as
something holds the traceback. What its `finally` gives back comes when that is let go, perhaps hours later: so torch
put one of our function modes on again after all had been given back.
"""

from __future__ import annotations

import contextlib
import traceback


def end_cut_short(error: BaseException) -> None:
    """End the context managers whose entry or exit the error, or one before it, was raised in the middle of.

    Args:
        error: It and its traceback are left as they are.
    """
    waiting: list[BaseException | None] = [error]
    seen = list[BaseException]()
    while waiting:
        each = waiting.pop()
        if each is None or any(each is known for known in seen):
            continue
        seen.append(each)
        waiting += [each.__cause__, each.__context__]
        for frame, _ in traceback.walk_tb(each.__traceback__):
            manager = frame.f_locals.get("self") if frame.f_code.co_filename == contextlib.__file__ else None
            generator = getattr(manager, "gen", None)
            if generator is not None and not generator.gi_running:
                with contextlib.suppress(Exception):
                    generator.close()
