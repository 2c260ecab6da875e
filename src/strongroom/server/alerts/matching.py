"""Which requests a rule looks at."""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence

from strongroom.server.alerts.events import Seen, Who
from strongroom.server.alerts.policy_file import Match, Rule

_MOST_USERS = 4096
"""Users of whom is kept what could fit them."""

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Chosen:
    """``only`` and ``exceptions`` of a rule."""

    def __init__(self, rule: Rule) -> None:
        self._only = Matches(rule.only)
        self._exceptions = Matches(rule.exceptions)
        self._all = not rule.only

    def includes(self, seen: Seen) -> bool:
        """Whether the rule looks at a request."""
        if not (self._all or self._only.fit(seen)):
            return False
        return not self._exceptions.fit(seen)


class Matches:
    """Some matches, of which one must fit.

    What fits a user is found out once for each: for most, nothing does, and the look is over.
    """

    def __init__(self, matches: Sequence[Match]) -> None:
        self._matches = [_Compiled(match) for match in matches]
        self._by_user: dict[Who, list[_Compiled]] = {}

    def fit(self, seen: Seen) -> bool:
        """Whether one of them fits a request."""
        if not self._matches:
            return False
        user = seen.user
        fitting = self._by_user.get(user)
        if fitting is None:
            if len(self._by_user) >= _MOST_USERS:
                self._by_user.clear()
            fitting = [match for match in self._matches if match.fits_user(user)]
            self._by_user[user] = fitting
        return bool(fitting) and any(match.fits(seen) for match in fitting)


class _Compiled:
    def __init__(self, match: Match) -> None:
        self._users = _pattern(match.users)
        self._groups = _pattern(match.groups)
        self._namespaces = _pattern(match.namespaces)
        self._secrets = _pattern(match.secrets)
        self._verbs = _pattern(match.verbs)
        self._agents = _pattern(match.userAgents)
        self._networks: list[_Network] = [ipaddress.ip_network(a) for a in match.addresses]
        self._named = match.named

    def fits_user(self, user: Who) -> bool:
        if self._users is not None and not self._users(user.username):
            return False
        return self._groups is None or any(self._groups(group) for group in user.groups)

    def fits(self, seen: Seen) -> bool:
        """Whether all but the user fits."""
        ref = seen.objectRef
        for fits, text in (
            (self._namespaces, ref.namespace),
            (self._secrets, seen.secret),
            (self._verbs, seen.verb),
            (self._agents, seen.userAgent),
        ):
            if fits is not None and not fits(text):
                return False
        if self._named is not None and self._named != bool(ref.name):
            return False
        return not self._networks or _within(seen.address, self._networks)


def _pattern(globs: Iterable[str]) -> Callable[[str], object] | None:
    """What tells whether a text fits one of the globs; None where there are none."""
    texts = [fnmatch.translate(glob) for glob in globs]
    return re.compile("|".join(texts)).match if texts else None


def _within(address: str, networks: list[_Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)
