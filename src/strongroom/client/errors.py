"""What can go wrong between a client and its server.

    ClientFailure                   no Status came back
    ├── InvalidConfig               the kubeconfig is missing, malformed or contradicts itself
    ├── PluginFailed                the program that it names gave no credentials (exec_plugin.py)
    └── Unreachable                 the server could not be reached, or the connection broke

A failure that the server itself reports is a :class:`strongroom.api.errors.StatusError`.
Errors of the HTTP library never leave this package: they are translated here, with their cause.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import aiohttp


class ClientFailure(Exception):
    """Base of the failures that are not the server's answer. Messages hold no payload."""

    holds_no_payload: ClassVar = True
    """Logs may tell the message (see :mod:`strongroom.telemetry`)."""


class InvalidConfig(ClientFailure):
    """The configuration cannot be used; the message names the file or entry, never its content."""


class Unreachable(ClientFailure):
    """No (whole) answer: refused, timed out, reset, or not trusted. Trying again may help."""


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn the HTTP library's errors into :class:`Unreachable`; ``what`` names the request."""
    try:
        yield
    except aiohttp.ClientSSLError as error:
        raise Unreachable(f"{what}: TLS: {_tls_reason(error)}") from error
    except aiohttp.ClientConnectorError as error:
        raise Unreachable(f"{what}: {_connect_reason(error.os_error)}") from error
    except TimeoutError as error:
        raise Unreachable(f"{what}: timed out") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"{what}: {type(error).__name__}") from error


def _connect_reason(error: OSError) -> str:
    """The system's words: asyncio's own texts are of its calls, not of what went wrong."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return error.strerror or "cannot connect"


def _tls_reason(error: aiohttp.ClientSSLError) -> str:
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    return type(cause).__name__
