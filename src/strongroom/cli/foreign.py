"""The store of another cluster, as a process of its own reads it for this one.

That process knows keys and ciphers, which the command line does not; what it tells comes by a pipe.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.people import Failure

if TYPE_CHECKING:
    from strongroom.snapshot.lines import End, Past, Stored

_MODULE = "strongroom.server.foreign"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the store is: a snapshot file, or the members of an etcd."""

    snapshot: str | None = None
    servers: str | None = None
    cafile: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
    prefix: str = "/registry"

    def __bool__(self) -> bool:
        return bool(self.snapshot or self.servers)

    def __str__(self) -> str:
        return self.snapshot or self.servers or ""

    def check(self) -> None:
        """Raises click.UsageError for what does not go together."""
        if self.snapshot and self.servers:
            raise click.UsageError("name a snapshot file or an etcd, not both")
        if not self.servers and (self.cafile or self.certfile or self.keyfile):
            raise click.UsageError(
                "--etcd-cafile, --etcd-certfile and --etcd-keyfile are for --etcd-servers"
            )
        if bool(self.certfile) != bool(self.keyfile):
            raise click.UsageError("--etcd-certfile and --etcd-keyfile go together")

    def arguments(self) -> list[str]:
        """The same for the process that reads."""
        given = {
            "--snapshot": self.snapshot,
            "--etcd-servers": self.servers,
            "--etcd-cafile": self.cafile,
            "--etcd-certfile": self.certfile,
            "--etcd-keyfile": self.keyfile,
            "--prefix": self.prefix,
        }
        return [word for option, value in given.items() if value for word in (option, value)]


def place_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a store; they are taken by :func:`taken_place`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def taken_place(options: dict[str, Any]) -> Place:
    """The store that was named, out of a command's options. Raises click.UsageError."""
    found = Place(
        options.pop("snapshot"),
        options.pop("etcd_servers"),
        options.pop("etcd_cafile"),
        options.pop("etcd_certfile"),
        options.pop("etcd_keyfile"),
        options.pop("prefix"),
    )
    found.check()
    return found


@contextlib.contextmanager
def reading(
    place: Place, sections: Sequence[str], *more: str
) -> Iterator[Iterator[Stored | Past | End]]:
    """What is stored in these sections of the keys (of all, for none), as long as one listens.

    The last that comes is an End. Raises Failure, then and while it is read.
    """
    command = [sys.executable, "-m", _MODULE, *place.arguments(), *more]
    command += [word for name in sections for word in ("--section", name)]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        try:
            yield _heard(process)
        finally:
            # Whoever stops to listen early does not wait for the rest.
            process.kill()


def section_of(resource: str) -> str:
    """Where objects of a RESOURCE or RESOURCE.GROUP are stored."""
    from strongroom.resources.catalog import CATALOG

    plural, _, group = resource.partition(".")
    for known in CATALOG.all():
        if known.plural == plural and group in ("", known.group) and not known.answered:
            return (
                known.key("NS", "NAME")
                .removeprefix("/registry/")
                .removesuffix("/NS/NAME" if known.namespaced else "/NAME")
            )
    return f"{group}/{plural}" if group else plural


def _heard(process: subprocess.Popen[bytes]) -> Iterator[Stored | Past | End]:
    from strongroom.snapshot.lines import CannotRead, decode

    assert process.stdout is not None  # noqa: S101 - it was asked for
    try:
        yield from decode(process.stdout)
    except CannotRead as error:
        raise Failure(str(error)) from None


_OPTIONS = (
    click.option(
        "--snapshot",
        metavar="FILE",
        help="A file of `etcdctl snapshot save`, or member/snap/db of a member that is stopped.",
    ),
    click.option("--etcd-servers", metavar="URL,…", help="Members of an etcd: https://HOST:PORT,…"),
    click.option("--etcd-cafile", metavar="FILE", help="Authorities of its certificates."),
    click.option("--etcd-certfile", metavar="FILE", help="Certificate to show to it."),
    click.option("--etcd-keyfile", metavar="FILE", help="The key of that certificate."),
    click.option(
        "--prefix",
        metavar="PATH",
        default="/registry",
        show_default=True,
        help="What all keys there begin with (--etcd-prefix of the API server).",
    ),
)  # fmt: skip - one option after the other
