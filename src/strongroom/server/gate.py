"""Who asks, whether they may, and what is shared with them: put together for one process."""

from __future__ import annotations

import contextlib

from prometheus_client import CollectorRegistry

from strongroom.api.clock import Clock
from strongroom.server.authentication import Authentication
from strongroom.server.authorization import Authorization
from strongroom.server.given import Given
from strongroom.server.kinds import Kinds
from strongroom.server.options import Options
from strongroom.server.pki import PKI
from strongroom.server.sharing import Sharing
from strongroom.server.tls_files import TLSFiles
from strongroom.server.tokens import Tokens


class Gate:
    """What stands before the registries. Raises what ``start_errors`` translates."""

    def __init__(
        self, options: Options, given: Given, clock: Clock, stack: contextlib.AsyncExitStack
    ) -> None:
        self.authorization = Authorization(given.store, options.authorization, clock)
        stack.push_async_callback(self.authorization.close)
        self.tokens = Tokens(options.tokens, given.pki.directory, given.store, clock)
        self.tls = _tls_files(options, given.pki, clock)
        self.authentication = Authentication(options, clock, self.tokens, self.tls)
        stack.push_async_callback(self.authentication.close)
        self.sharing = Sharing(given.store, self.authorization.graph, clock)

    def attach(self, kinds: Kinds) -> None:
        """Decide by what is in these registries."""
        self.authorization.attach(kinds)
        self.sharing.attach(kinds)

    def begin(
        self, kinds: Kinds, metrics: CollectorRegistry, stack: contextlib.AsyncExitStack
    ) -> None:
        """Count, and follow what changes, until ``stack`` ends it."""
        self.tokens.attach(kinds, metrics)
        self.authentication.attach(metrics)
        self.authorization.begin(metrics, stack)
        stack.push_async_callback(self.tokens.labels.close)


def _tls_files(options: Options, pki: PKI, clock: Clock) -> TLSFiles:
    certificate, key = pki.files("apiserver")
    pair = options.tls_cert_file or certificate, options.tls_private_key_file or key
    return TLSFiles(pair, pki.ca_file, options.client_ca_file, options.tls, clock)
