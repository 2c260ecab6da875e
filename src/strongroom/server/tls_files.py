"""The files of TLS: what the server shows, whom it believes, whom no longer. All may change.

The pair of certificate and key, the bundles of authorities and the lists of revoked certificates
are looked at once a second. New connections get what is new. Connections that are open keep their
keys, but every request on them is judged by the authorities and lists of its time, which is what
:class:`strongroom.access.authn.authorities.Authorities` are for.
"""

from __future__ import annotations

import contextlib
import logging
import ssl
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from strongroom.access.authn.authorities import (
    Authorities,
    Bundle,
    read_bundle,
    write_bundle,
)
from strongroom.access.authn.revocation import (
    RevocationList,
    RevocationLists,
    read_lists,
    unvouched,
)
from strongroom.api.clock import Clock
from strongroom.server.maintenance import keep_doing
from strongroom.server.reloading import BadFile, Reloading, read
from strongroom.server.serving import tls_context
from strongroom.server.tls_options import TLSOptions
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server.tls")

_LISTS_END = 60.0
"""Seconds between two looks at whether a list is past its end."""


class TLSFiles:
    """What is read from the files, as of now. Raises BadFile where one cannot be used.

    ``own`` is our own authority's certificate, believed beside those of ``client_ca_file``.
    """

    def __init__(
        self,
        pair: tuple[Path, Path],
        own: Path,
        client_ca_file: Path | None,
        options: TLSOptions,
        clock: Clock,
    ) -> None:
        self.clients = Authorities()
        """Who vouches for users."""
        self.proxies = Authorities()
        """Who vouches for proxies."""
        self._pair = pair
        self._client_files = [own, *([client_ca_file] if client_ca_file else [])]
        proxy_file = options.requestheader_client_ca_file
        self._proxy_files = [proxy_file] if proxy_file else []
        self._options = options
        self._clock = clock
        self._lists: list[tuple[Path, RevocationList]] = []
        self._told: set[RevocationList] = set()
        bundles = [*self._client_files, *self._proxy_files]
        # Made before anything is read: what changes meanwhile is seen at the first look.
        self._reloading = [
            Reloading(pair, self._load_context, what="the serving certificate and its key"),
            Reloading(bundles, self._load_bundles, what="authorities of client certificates"),
            Reloading(
                options.client_ca_crl_file, self._load_lists, what="lists of revoked certificates"
            ),
        ]
        self._load_authorities()
        self._load_lists()
        self._newest = self._context()
        self.context = tls_context(options.tls_min_version, options.tls_cipher_suites)
        """For listeners: each connection begins with what is newest then."""
        self.context.sni_callback = self._begin

    def begin(self, stack: contextlib.AsyncExitStack) -> None:
        """Look at the files until ``stack`` ends it."""
        for reloading in self._reloading:
            reloading.begin(stack)
        keep_doing(_LISTS_END, self._tell_ends, stack)

    def _begin(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        # OpenSSL asks at each first word of a client, whether it names a server or not, and takes
        # certificate, key and authorities from the context that is put in place here.
        connection.context = self._newest

    def _load_context(self) -> None:
        self._newest = self._context()

    def _load_bundles(self) -> None:
        # Whoever is no longer believed is refused even while the pair cannot be read.
        self._load_authorities()
        self._newest = self._context()

    def _load_authorities(self) -> None:
        clients, proxies = _bundle(self._client_files), _bundle(self._proxy_files)
        self.clients.replace(clients)
        self.proxies.replace(proxies)

    def _context(self) -> ssl.SSLContext:
        options = self._options
        context = tls_context(options.tls_min_version, options.tls_cipher_suites)
        certificate, key = self._pair
        try:
            context.load_cert_chain(certificate, key, password=_no_password)
        except OSError as error:
            # An SSLError is one too; its reason names a kind of fault, and nothing of the key.
            why = getattr(error, "reason", None) or error.strerror or "cannot be read"
            raise BadFile(f"{certificate} and {key}: {why}") from error
        except ValueError as error:
            raise BadFile(f"{key}: a key with a password cannot be used") from error
        believed = (*self.clients.bundle, *self.proxies.bundle)
        context.load_verify_locations(cadata=write_bundle(believed, der=True))
        return context

    def _load_lists(self) -> None:
        found = [(path, one) for path in self._options.client_ca_crl_file for one in _lists(path)]
        believed = (*self.clients.bundle, *self.proxies.bundle)
        forged, foreign = unvouched([one for _, one in found], believed)
        for path, one in found:
            if one in forged:
                raise BadFile(f"{path}: {one.issuer_name} has not signed the list in its name")
        for one in foreign:
            # Said of lists that are used alone: those that are refused are tried every second.
            log(logger, logging.WARNING, "a list of an unknown authority", issuer=one.issuer_name)
        self._lists, self._told = found, set()
        lists = RevocationLists(one for _, one in found)
        self.clients.revoke(lists)
        self.proxies.revoke(lists)
        self._tell_late(self._clock.now())

    async def _tell_ends(self) -> None:
        self._tell_late(self._clock.now())

    def _tell_late(self, now: datetime) -> None:
        """Say once of each list that its successor is due; what it lists stays refused."""
        for path, one in self._lists:
            if one.ends is not None and one.ends < now and one not in self._told:
                self._told.add(one)
                log(
                    logger,
                    logging.ERROR,
                    "a list of revoked certificates is out of date",
                    file=str(path),
                    issuer=one.issuer_name,
                    ended=one.ends.isoformat(),
                )


def _no_password() -> str:
    """Instead of asking on the terminal. Raises ValueError."""
    raise ValueError


def _bundle(files: Iterable[Path]) -> Bundle:
    found: Bundle = ()
    for path in files:
        try:
            found += read_bundle(read(path))
        except ValueError as error:
            raise BadFile(f"{path}: no bundle of certificates in PEM") from error
    return found


def _lists(path: Path) -> list[RevocationList]:
    try:
        return read_lists(read(path))
    except ValueError as error:
        raise BadFile(f"{path}: no list of revoked certificates that can be used") from error
