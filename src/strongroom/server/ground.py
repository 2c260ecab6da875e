"""What a server takes hold of before it serves, in one process or in several.

The store, the certificates, the address, and the file that says so.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.audit_chain import ChainError
from strongroom.paths import claim_data_dir
from strongroom.resources.event import EVENTS
from strongroom.server.encryption.ownkey import OwnKey
from strongroom.server.etcd_options import ETCD
from strongroom.server.membership import Membership
from strongroom.server.options import Options
from strongroom.server.others import Told
from strongroom.server.pki import PKI, PKIError, prepare_pki, write_kubeconfigs
from strongroom.server.reloading import BadFile
from strongroom.server.runfile import RunFile
from strongroom.server.serving import base_url, listen
from strongroom.server.shared_pki import SharedPKI
from strongroom.server.storage import OpenedStore, only_here, open_store
from strongroom.server.token_keys import KeyFileError, prepare_keys
from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.encryption.port import EncryptionError
from strongroom.storage.errors import (
    StoreError,
    StoreUnavailable,
    Undecryptable,
    UndecryptableList,
)
from strongroom.storage.filling import check_whole
from strongroom.storage.format import check_format

_MAKE_ROOM = ": make room on that disk, and start again; see docs/storage.md, No space"


class StartError(Exception):
    """The server cannot start; the text says why, to the person who started it."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a server stands on.

    ``told`` is what it says of itself while it runs. ``membership`` is its place among the servers
    of its store, None where there can be no others.
    """

    opened: OpenedStore
    pki: PKI
    sock: socket.socket
    url: str
    told: RunFile
    membership: Membership | None


@contextlib.contextmanager
def start_errors() -> Iterator[None]:
    """Raise StartError for what a person can mend."""
    try:
        yield
    except (
        OSError,
        PKIError,
        KeyFileError,
        BadFile,
        EncryptionError,
        StoreError,
        ChainError,
    ) as error:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        raise StartError(f"{error}{_MAKE_ROOM if full else ''}") from error
    except StatusError as error:
        if isinstance(error.__cause__, StoreUnavailable):
            raise StartError(str(error.__cause__)) from error
        if not isinstance(error.__cause__, (Undecryptable, UndecryptableList)):
            raise
        advice = "start with that key or configuration, and see docs/encryption.md"
        raise StartError(f"{error.__cause__}; {advice}") from error


async def occupy(options: Options, clock: Clock, stack: contextlib.AsyncExitStack) -> Ground:
    """Take hold of everything; ``stack`` lets go of it. Raises what ``start_errors`` translates."""
    claim_data_dir(options.data_dir)
    # A lock comes first: a second server must not change the first one's files.
    if options.store.startswith(ETCD):
        stack.enter_context(only_here(options.data_dir))
    opened = await open_store(
        options.data_dir,
        options.store,
        options.encryption,
        options.etcd,
        live={EVENTS.prefix(): options.event_ttl},
    )
    stack.push_async_callback(opened.database.close)
    await check_whole(opened.database)
    await check_format(EncryptedStore(opened.database, opened.encrypting.values))
    signs = options.tokens.service_account_signing_key_file is None
    if opened.shared is not None:
        store = EncryptedStore(opened.database, opened.encrypting.values)
        await SharedPKI(store, options.pki_dir).begin(clock.now(), signs=signs)
    pki = prepare_pki(
        options.pki_dir,
        options.bind,
        options.node_name,
        clock.now(),
        options.control_plane_endpoint,
    )
    if signs:
        prepare_keys(options.pki_dir)
    sock = _listen(options)
    stack.callback(sock.close)
    url = base_url(sock, options.bind)
    write_kubeconfigs(pki, options.kubeconfig, url, options.control_plane_endpoint)
    told = RunFile(options, url, opened)
    stack.callback(told.remove)
    told.follow(stack)
    return Ground(opened, pki, sock, url, told, _membership(opened, url, stack))


def _membership(
    opened: OpenedStore, url: str, stack: contextlib.AsyncExitStack
) -> Membership | None:
    if opened.shared is None:
        return None
    own = opened.encrypting.own

    def told() -> Told:
        return Told(url, own.ring.ids if isinstance(own, OwnKey) else ())

    membership = Membership(opened.shared, told)
    membership.begin(stack)
    return membership


def _listen(options: Options) -> socket.socket:
    try:
        return listen(options.bind, options.port)
    except OSError as error:
        where = f"{options.bind} port {options.port}"
        advice = "; --port 0 takes a free one" if error.errno == errno.EADDRINUSE else ""
        raise StartError(f"cannot listen on {where}: {error.strerror}{advice}") from error
