"""Namespaces of a real API server for the commands on Secrets, called in this process."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner, Result

from strongroom.cli.main import main
from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.resources.namespace import NAMESPACES, Namespace
from strongroom.resources.secret import SECRETS, Secret
from strongroom.testing.process import Strongroom

T = TypeVar("T")
_numbers = itertools.count(1)


class Room:
    """One namespace of the server: commands run in it, and what is there can be looked at."""

    def __init__(self, api: Strongroom, namespace: str) -> None:
        self.api = api
        self.namespace = namespace

    def run(self, *arguments: str, **invocation: Any) -> Result:
        """`strongroom secret ARGUMENTS` in this namespace."""
        where = ["--kubeconfig", str(self.api.kubeconfig), "-n", self.namespace]
        return CliRunner().invoke(main, ["secret", *arguments, *where], **invocation)

    def done(self, *arguments: str, **invocation: Any) -> str:
        """The output of a command that must succeed."""
        result = self.run(*arguments, **invocation)
        assert result.exit_code == 0, result.output
        return result.stdout

    def ask(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """What ``work`` finds as the administrator."""

        async def connected() -> T:
            async with Client(load_config(self.api.kubeconfig)) as client:
                return await work(client)

        return asyncio.run(connected())

    def get(self, name: str) -> Secret:
        """The Secret as it is stored."""
        return self.ask(lambda client: client.get(SECRETS, name, self.namespace))

    def create(self, name: str, kind: str = "", **data: bytes) -> Secret:
        """Store a Secret by the API itself."""
        secret = Secret(type=kind, data=data)
        secret.metadata.name = name
        return self.ask(lambda client: client.create(SECRETS, secret, self.namespace))


@pytest.fixture
def room(api: Strongroom) -> Room:
    """A fresh namespace."""
    return fresh(api)


@pytest.fixture
def other(api: Strongroom) -> Room:
    """Another fresh namespace."""
    return fresh(api)


def fresh(api: Strongroom) -> Room:
    """A namespace that nothing is in."""
    room = Room(api, f"cli-{next(_numbers)}")
    wanted = Namespace()
    wanted.metadata.name = room.namespace
    room.ask(lambda client: client.create(NAMESPACES, wanted))
    return room
