"""Doing many things at once, but not too many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def together(do: Callable[[T], Awaitable[object]], things: Iterable[T], at_once: int) -> None:
    """Do it to all of them, at most ``at_once`` at a time; then raise the first failure, if any.

    One failure keeps none of the others from being done.
    """
    limit = asyncio.Semaphore(at_once)

    async def one(thing: T) -> None:
        async with limit:
            await do(thing)

    results = await asyncio.gather(*map(one, things), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
