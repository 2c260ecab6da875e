"""TLS contexts from certificates in memory; private keys never touch a disk."""

from __future__ import annotations

import ssl

from strongroom import tls_memory
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
        tls_memory.load_authorities(context, pem)
    except ValueError as error:
        raise InvalidConfig(str(error)) from None


def load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Give the context a certificate chain and its key. Raises :class:`InvalidConfig`."""
    try:
        tls_memory.load_pair(context, certificate, key)
    except ValueError as error:
        raise InvalidConfig(str(error)) from None
