"""TLS contexts from certificates in memory; private keys never touch a disk."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strongroom.client.config import ClientConfig
from strongroom.client.errors import InvalidConfig


def client_context(config: ClientConfig) -> ssl.SSLContext:
    """The context for connections to the server of ``config``. Raises :class:`InvalidConfig`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if config.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif config.ca_data:
        # Only this CA: the system's would let any public authority speak for the cluster.
        trust(context, config.ca_data)
    else:
        context.load_default_certs()
    if config.client_cert:
        if not config.client_key:
            raise InvalidConfig("a client certificate needs its client key")
        load_pair(context, config.client_cert, config.client_key)
    return context


def trust(context: ssl.SSLContext, pem: bytes) -> None:
    """Trust the certificate authorities in ``pem``. Raises :class:`InvalidConfig`."""
    try:
        context.load_verify_locations(cadata=pem.decode("ascii"))
    except (ssl.SSLError, UnicodeDecodeError, ValueError):
        raise InvalidConfig("the certificate authority is not a PEM certificate") from None


def load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Give the context a certificate chain and its key. Raises :class:`InvalidConfig`."""
    with _in_memory(certificate.rstrip(b"\n") + b"\n" + key) as path:
        try:
            # A key with a passphrase would ask on the terminal; the empty answer fails instead.
            context.load_cert_chain(path, password="")
        except (ssl.SSLError, OSError, ValueError):
            raise InvalidConfig("the certificate and its key are unusable") from None


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """A path that OpenSSL can read ``content`` from while the block runs.

    ``load_cert_chain`` takes file names only. A memfd has one without touching a file system; where
    the platform has none, a file that only this user can read lives as long as the block.
    """
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("tls", os.MFD_CLOEXEC)
        try:
            with os.fdopen(os.dup(fd), "wb") as file:
                file.write(content)
            yield f"/proc/self/fd/{fd}"
        finally:
            os.close(fd)
        return
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "pair.pem"
        path.touch(mode=0o600)
        path.write_bytes(content)
        yield str(path)
