"""A KMS plugin of version 1, which only others' clusters have, to measure with."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from strongroom.storage.encryption import wire
from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.localkey import LocalKey
from strongroom.storage.encryption.plugin import V1


class _Handlers(grpc.GenericRpcHandler):
    def __init__(self) -> None:
        key = LocalKey(bytes(32))
        key_id = key.status()
        self._answers: dict[str, Callable[[wire.Fields], bytes]] = {
            f"{V1}Version": lambda _: wire.field(1, b"v1beta1"),
            f"{V1}Encrypt": lambda asked: wire.field(1, key.encrypt(asked.data(2)).ciphertext),
            f"{V1}Decrypt": lambda asked: wire.field(
                1, key.decrypt(Wrapped(asked.data(2), key_id))
            ),
        }

    def service(
        self, details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        answer = self._answers.get(details.method)
        if answer is None:
            return None
        made: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
            lambda question, _: answer(wire.read(question))
        )
        return made


@contextlib.contextmanager
def serve_v1(socket: Path) -> Iterator[None]:
    """Serve at a socket, in threads of this process."""
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((_Handlers(),))
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    try:
        yield
    finally:
        server.stop(0).wait()
