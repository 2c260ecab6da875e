"""Network namespaces for the members of a cluster, each with two cables that can be pulled, and for
an API server.

    this machine  c0 ── client  ┐ namespace of member 0 ┌ peers ── p0  ┐
                  c1 ── client  │ namespace of member 1 │ peers ── p1  │ namespace with a bridge
                  c2 ── client  ┘ namespace of member 2 └ peers ── p2  ┤
                   s ── client  ─ namespace of a server ── members ── s ┘

So a member can be cut off from its clients, from the other members, or from both, and the server
from all members while its own clients reach it. The server finds the members' addresses for clients
behind their other ones. All are of the range for tests of networks (RFC 2544), which is routed
nowhere.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.etcd import Place
from tests.parts import require_part

MEMBERS = 3


def _ip(*words: str) -> None:
    subprocess.run([require_part("ip"), *words], check=True, capture_output=True, text=True)


@dataclass(frozen=True)
class Host:
    """Where a server runs: the address for its clients, and what its command begins with."""

    address: str
    prefix: tuple[str, ...]


@dataclass(frozen=True)
class Net:
    """The namespaces of number ``number``."""

    number: int

    def places(self) -> list[Place]:
        return [
            Place(
                f"198.18.{self.number}.{4 * n + 2}",
                f"198.19.{self.number}.{n + 1}",
                (str(require_part("ip")), "netns", "exec", self._space(n)),
            )
            for n in range(MEMBERS)
        ]

    def set_clients(self, member: int, state: str) -> None:
        """``down``: no client reaches it any more; ``up``: as before."""
        _ip("link", "set", f"sr{self.number}c{member}", state)

    def set_peers(self, member: int, state: str) -> None:
        """``down``: it and the other members are apart; ``up``: as before."""
        _ip("-n", self._space("hub"), "link", "set", f"p{member}", state)

    def set_server(self, state: str) -> None:
        """``down``: the server reaches no member, nor they it; ``up``: as before."""
        _ip("-n", self._space("hub"), "link", "set", "s", state)

    def lay_server(self) -> Host:
        """Make the namespace of a server."""
        hub, space = self._space("hub"), self._space("server")
        mine, address = f"sr{self.number}s", f"198.18.{self.number}.{4 * MEMBERS + 2}"
        _ip("netns", "add", space)
        _ip("-n", space, "link", "set", "lo", "up")
        _ip("link", "add", mine, "type", "veth", "peer", "name", "client", "netns", space)
        _ip("addr", "add", f"198.18.{self.number}.{4 * MEMBERS + 1}/30", "dev", mine)
        _ip("link", "set", mine, "up")
        _ip("-n", hub, "link", "add", "s", "type", "veth", "peer", "members", "netns", space)
        _ip("-n", hub, "link", "set", "s", "master", "bridge", "up")
        _ip("-n", space, "addr", "add", f"{address}/30", "dev", "client")
        _ip("-n", space, "addr", "add", f"198.19.{self.number}.100/24", "dev", "members")
        for name in ("client", "members"):
            _ip("-n", space, "link", "set", name, "up")
        for place in self.places():
            _ip("-n", space, "route", "add", place.client_host, "via", place.peer_host)
        return Host(address, (str(require_part("ip")), "netns", "exec", space))

    def _space(self, part: int | str) -> str:
        return f"sr-faults-{self.number}-{part}"

    def lay(self) -> None:
        """Make everything but the first namespace, which is there."""
        hub = self._space("hub")
        _ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        _ip("-n", hub, "link", "set", "bridge", "up")
        for n in range(MEMBERS):
            space, mine = self._space(n), f"sr{self.number}c{n}"
            _ip("netns", "add", space)
            _ip("-n", space, "link", "set", "lo", "up")
            _ip("link", "add", mine, "type", "veth", "peer", "name", "client", "netns", space)
            _ip("addr", "add", f"198.18.{self.number}.{4 * n + 1}/30", "dev", mine)
            _ip("-n", hub, "link", "add", f"p{n}", "type", "veth", "peer", "peers", "netns", space)
            _ip("-n", hub, "link", "set", f"p{n}", "master", "bridge", "up")
            for name, host, bits in (
                ("client", f"198.18.{self.number}.{4 * n + 2}", 30),
                ("peers", f"198.19.{self.number}.{n + 1}", 24),
            ):
                _ip("-n", space, "addr", "add", f"{host}/{bits}", "dev", name)
                _ip("-n", space, "link", "set", name, "up")
            _ip("link", "set", mine, "up")

    def clear(self) -> None:
        """Remove everything."""
        for cable in (*(f"c{n}" for n in range(MEMBERS)), "s"):
            # With its namespace it would go too, but some time after that: its name is taken.
            with contextlib.suppress(subprocess.CalledProcessError):
                _ip("link", "delete", f"sr{self.number}{cable}")
        for part in (*range(MEMBERS), "server", "hub"):
            with contextlib.suppress(subprocess.CalledProcessError):
                _ip("netns", "delete", self._space(part))


@contextlib.contextmanager
def cables() -> Iterator[Net]:
    """Namespaces that nobody else has; where they are not allowed, the test is skipped."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces with cables to this machine can be made by root only")
    net = _claimed()
    try:
        net.lay()
        yield net
    finally:
        net.clear()


def _claimed() -> Net:
    """The first number that is free: making its first namespace is what takes it."""
    for number in range(1, 255):
        try:
            _ip("netns", "add", f"sr-faults-{number}-hub")
        except subprocess.CalledProcessError as error:
            if "File exists" in error.stderr:
                continue
            pytest.skip(f"this machine allows no network namespaces: {error.stderr.strip()}")
        return Net(number)
    pytest.fail("254 numbers are taken by namespaces that nobody removed: ip netns list")
