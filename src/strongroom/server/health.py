"""``/livez``, ``/readyz`` and ``/healthz``: named checks, in upstream's words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from strongroom.server.reply import TEXT, Reply
from strongroom.server.urls import Query

Check = Callable[[], Awaitable[None]]
"""Passes by returning; whatever it raises is a failure, whose reason is withheld."""

_NOSNIFF = [(b"x-content-type-options", b"nosniff")]


class Health:
    """The checks of one path. ``checks`` are run in their order at each request."""

    def __init__(self, name: str, checks: Mapping[str, Check]) -> None:
        self.name = name
        self._checks = dict(checks)

    @property
    def names(self) -> list[str]:
        """The names of the checks, each of which is a path of its own."""
        return list(self._checks)

    async def report(self, query: Query) -> Reply:
        """All checks but those excluded: ``ok``, or with ``verbose`` (or a failure) a line each."""
        excluded = set(query.get("exclude", ()))
        lines, failed = [], False
        for name, check in self._checks.items():
            if name in excluded:
                lines.append(f"[+]{name} excluded: ok")
            elif await _passes(check):
                lines.append(f"[+]{name} ok")
            else:
                failed = True
                lines.append(f"[-]{name} failed: reason withheld")
        unknown = sorted(excluded - set(self._checks))
        if unknown:
            names = ",".join(f'"{name}"' for name in unknown)
            lines.append(f"warn: some health checks cannot be excluded: no matches for {names}")
        if failed:
            lines.append(f"{self.name} check failed")
            return _text("\n".join(lines) + "\n", 500)
        if "verbose" not in query:
            return _text("ok")
        return _text("\n".join([*lines, f"{self.name} check passed"]) + "\n")

    async def single(self, name: str) -> Reply | None:
        """One check alone; None when there is none of this name."""
        check = self._checks.get(name)
        if check is None:
            return None
        if await _passes(check):
            return _text("ok")
        return _text("internal server error: reason withheld\n", 500)


async def _passes(check: Check) -> bool:
    try:
        await check()
    except Exception:  # noqa: BLE001 - any failure of a check is its answer
        return False
    return True


def _text(text: str, status: int = 200) -> Reply:
    return Reply(text.encode(), status, TEXT, list(_NOSNIFF))
