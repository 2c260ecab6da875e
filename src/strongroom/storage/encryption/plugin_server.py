"""A KMS v2 plugin of our own: offers a key service on a unix socket to any kube-apiserver.

Who may connect may have keys decrypted, so the socket is the owner's alone. What fails is answered
with a code and our own words, in which nothing is quoted.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from strongroom.storage.encryption import wire
from strongroom.storage.encryption.keyservice import KeyService, Wrapped
from strongroom.storage.encryption.plugin import HEALTHY, V2
from strongroom.storage.encryption.port import DecryptionFailed, EncryptionError
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.kms")

_THREADS = 4
_MAX_PLAIN = 1024
"""Bytes of what is encrypted: seeds of data keys are 32."""
_LONGEST_PATH = 107
"""Bytes of a socket's path: what Linux has room for, without the NUL."""

_Answer = Callable[[wire.Fields], bytes]


class SocketInUse(EncryptionError):
    """Somebody serves at the socket, or it is something else."""


class KMSServer:
    """Answers until ``stop``. Raises SocketInUse and OSError when it cannot begin."""

    def __init__(self, service: KeyService, socket: Path) -> None:
        self._service = service
        self._server = grpc.server(ThreadPoolExecutor(_THREADS, "kms"))
        answers: dict[str, _Answer] = {
            "Status": self._status,
            "Encrypt": self._encrypt,
            "Decrypt": self._decrypt,
        }
        self._server.add_generic_rpc_handlers((_Handlers(answers),))
        _make_room(socket)
        with _private():
            self._server.add_insecure_port(f"unix:{socket}")
            self._server.start()

    def wait(self) -> None:
        """Return when it has stopped."""
        self._server.wait_for_termination()

    def stop(self, grace: float = 2.0) -> None:
        """Take no more questions, and answer those that have come, in so many seconds."""
        self._server.stop(grace).wait()

    def _status(self, question: wire.Fields) -> bytes:
        key_id = self._service.status().encode()
        return wire.field(1, b"v2") + wire.field(2, HEALTHY.encode()) + wire.field(3, key_id)

    def _encrypt(self, question: wire.Fields) -> bytes:
        plain = question.data(1)
        if not 0 < len(plain) <= _MAX_PLAIN:
            raise wire.WireError("asks to encrypt nothing, or too much")
        wrapped = self._service.encrypt(plain)
        return (
            wire.field(1, wrapped.ciphertext)
            + wire.field(2, wrapped.key_id.encode())
            + wire.map_field(3, wrapped.annotations)
        )

    def _decrypt(self, question: wire.Fields) -> bytes:
        wrapped = Wrapped(question.data(1), question.text(3), question.map(4))
        return wire.field(1, self._service.decrypt(wrapped))


class _Handlers(grpc.GenericRpcHandler):
    """Finds the method of a call by its name."""

    def __init__(self, answers: dict[str, _Answer]) -> None:
        self._methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            f"{V2}{name}": grpc.unary_unary_rpc_method_handler(_method(name, answer))
            for name, answer in answers.items()
        }

    def service(
        self, details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        return self._methods.get(details.method)


def _method(name: str, answer: _Answer) -> Callable[[bytes, grpc.ServicerContext], bytes]:
    def call(question: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            return answer(wire.read(question))
        except wire.WireError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"the question {error}")
        except DecryptionFailed as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except EncryptionError as error:
            log(logger, logging.ERROR, f"{name} failed", error)
            context.abort(grpc.StatusCode.UNAVAILABLE, "the key cannot be used")

    return call


def _make_room(path: Path) -> None:
    """See that a socket can be there: only that of a server that is gone is removed.

    gRPC would say no more than that it cannot. Raises SocketInUse, OSError.
    """
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(path))
    if not os.access(path.parent, os.W_OK | os.X_OK):
        code = errno.EACCES if path.parent.is_dir() else errno.ENOENT
        raise OSError(code, os.strerror(code), str(path.parent))
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise SocketInUse(f"{path} is there already, and is no socket")
    if _answers(path):
        raise SocketInUse(f"somebody serves at {path} already")
    path.unlink()


def _answers(path: Path) -> bool:
    import socket

    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


@contextlib.contextmanager
def _private() -> Iterator[None]:
    """Files made inside are the owner's alone."""
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)
