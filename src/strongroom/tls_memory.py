"""Certificates with their keys for TLS, from memory: private keys never touch a disk."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Give the context a certificate chain and its key, in PEM.

    Raises ValueError, whose text holds nothing of either.
    """
    with _in_memory(certificate.rstrip(b"\n") + b"\n" + key) as path:
        try:
            # A key with a passphrase would ask on the terminal; the empty answer fails instead.
            context.load_cert_chain(path, password="")
        except (ssl.SSLError, OSError, ValueError):
            raise ValueError("the certificate and its key are unusable") from None


def load_authorities(context: ssl.SSLContext, pem: bytes) -> None:
    """Trust the certificate authorities in ``pem``. Raises ValueError as ``load_pair``."""
    try:
        context.load_verify_locations(cadata=pem.decode("ascii"))
    except (ssl.SSLError, UnicodeDecodeError, ValueError):
        raise ValueError("the certificate authority is not a PEM certificate") from None


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
