"""What a process that serves is given: on its own, or by the keeper of the store."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from strongroom.server.app import App
from strongroom.server.audit.sink import SharedSink
from strongroom.server.health import Check
from strongroom.server.metrics import Metrics
from strongroom.server.pki import PKI
from strongroom.server.serving import Listener
from strongroom.server.storage import Encrypting
from strongroom.server.turns import Turns
from strongroom.storage.encrypted import EncryptedStore


@dataclass(frozen=True, slots=True)
class Given:
    """The store, and what else is there before anything is built.

    ``alive`` passes while the store can be used, ``metrics`` makes the text for Prometheus, and
    ``listener`` serves the application. ``behind`` says that writes may be acknowledged elsewhere
    before the caches here show them, and ``shared`` that other servers write to the store as well.
    """

    store: EncryptedStore
    encrypting: Encrypting
    pki: PKI
    url: str
    alive: Check
    turns: Turns
    audit: Callable[[Metrics], SharedSink]
    metrics: Callable[[Metrics], Awaitable[bytes]]
    listener: Callable[[App, ssl.SSLContext], Listener]
    behind: bool = False
    shared: bool = False
