"""Waiting in an event loop for something to become true."""

import asyncio
from collections.abc import Callable


async def until(is_true: Callable[[], bool], seconds: float = 20) -> None:
    """Let the loop run until it is true."""
    async with asyncio.timeout(seconds):
        while not is_true():
            await asyncio.sleep(0)
