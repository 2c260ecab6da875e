"""Which etcd keeps everything, and how it is spoken to; names and meanings are kube-apiserver's."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from strongroom.storage.etcd_cluster import Credentials

ETCD = "etcd:"
"""How the URL of a store in etcd begins; the members' URLs follow, with commas between them."""


@dataclass(frozen=True, slots=True)
class EtcdOptions:
    """Files for TLS with etcd."""

    etcd_cafile: Path | None
    etcd_certfile: Path | None
    etcd_keyfile: Path | None

    def credentials(self) -> Credentials:
        """The same for the driver."""
        from strongroom.storage.etcd_cluster import Credentials

        return Credentials(self.etcd_cafile, self.etcd_certfile, self.etcd_keyfile)


def hint(urls: Sequence[str]) -> str:
    """A member that does not believe us, or that we do not, is not reached either."""
    if not any(url.startswith("https") for url in urls):
        return ""
    return " (do --etcd-cafile, --etcd-certfile and --etcd-keyfile fit?)"


def add_etcd_options(parser: argparse.ArgumentParser) -> None:
    """Have a parser know them."""
    add = parser.add_argument_group("etcd, where it is the store").add_argument
    add(
        "--etcd-servers",
        type=_servers,
        metavar="URL[,URL]",
        help="its members; the same as --store etcd:URL[,URL]",
    )
    add("--etcd-cafile", type=Path, metavar="FILE", help="authorities of its certificates")
    add("--etcd-certfile", type=Path, metavar="FILE", help="certificate to show to it")
    add("--etcd-keyfile", type=Path, metavar="FILE", help="its key")


def etcd_options(values: dict[str, Any]) -> EtcdOptions:
    """Take the settings out of what was parsed; ``--etcd-servers`` becomes the store.

    Raises ValueError for settings that do not go together.
    """
    servers = values.pop("etcd_servers")
    found = EtcdOptions(**{field.name: values.pop(field.name) for field in fields(EtcdOptions)})
    if servers is not None:
        if values["store"] not in (None, servers):
            raise ValueError("--etcd-servers and --store name different stores")
        values["store"] = servers
    if (found.etcd_certfile is None) != (found.etcd_keyfile is None):
        raise ValueError("--etcd-certfile and --etcd-keyfile go together")
    return found


def etcd_store(urls: str) -> str:
    """The URL of the store with these members. Raises argparse.ArgumentTypeError."""
    for url in urls.split(","):
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = None
        rest = parts.path.strip("/") or parts.query or parts.fragment or parts.username
        if parts.scheme not in ("http", "https") or not parts.hostname or not port or rest:
            raise argparse.ArgumentTypeError(
                "expected members of etcd as https://HOST:PORT[,https://HOST:PORT]"
            )
    return ETCD + ",".join(url.rstrip("/") for url in urls.split(","))


def _servers(text: str) -> str:
    return etcd_store(text)
