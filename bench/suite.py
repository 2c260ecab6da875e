"""The cases by name, in the order in which they are run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from bench import cases
from bench.authorize import authorizations
from bench.binding import effect
from bench.cases import Measurements
from bench.crowds import crowds
from bench.durable import durable
from bench.encrypting import providers
from bench.filled import filled
from bench.lists import large_lists
from bench.patches import applies, strategic
from bench.rewrapping import rewrap
from bench.settings import Settings
from bench.target import Target

Case = Callable[[Target, Settings], Awaitable[Measurements]]

Run = Callable[[Coroutine[Any, Any, Measurements]], Measurements]

AT_REST: dict[str, Callable[[Settings, Run], Measurements]] = {
    "durable": durable,
    "providers": providers,
    "rewrap": rewrap,
    "filled": filled,
}
"""Cases about what is stored, which start servers and etcds of their own."""

OWN_ONLY = ("start", "propagation", "flood", "audit", *AT_REST)
"""Cases that start a server of their own."""

CASES: dict[str, Case] = {
    "memory": lambda target, settings: cases.memory(target, settings.secrets),
    "create": lambda target, settings: cases.create(target, settings.seconds),
    "get": lambda target, settings: cases.get(target, settings.seconds),
    "list": lambda target, settings: cases.list_(target, settings.seconds, settings.listed),
    "protobuf": lambda target, settings: cases.in_protobuf(target, settings.seconds),
    "lists": large_lists,
    "apply": applies,
    "strategic": strategic,
    "fan-out": lambda target, settings: cases.fan_out(
        target, settings.few_watches, 5 * settings.changes
    ),
    "watches": crowds,
    "authorize": authorizations,
    "binding": effect,
    "flat": lambda target, settings: cases.flat_cost(target, settings.counts, settings.seconds),
}


async def measure(target: Target, names: list[str], settings: Settings) -> Measurements:
    """The cases that need only the API, of those that are named."""
    result: Measurements = {}
    for name, case in CASES.items():
        if name in names:
            result |= await case(target, settings)
    return result
