"""KMS plugins to test with: one that does as it is told, over real gRPC on a real socket."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

Answer = Callable[[bytes], bytes]


class _Handlers(grpc.GenericRpcHandler):
    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers

    def service(
        self, details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        answer = self._answers.get(details.method)
        if answer is None:
            return None
        made: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
            lambda question, _: answer(question)
        )
        return made


@contextlib.contextmanager
def plugin_that(answers: Mapping[str, Answer], socket: Path) -> Iterator[str]:
    """Serve these methods; gives the endpoint. ``answers`` may change while it serves."""
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((_Handlers(answers),))
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    try:
        yield f"unix://{socket}"
    finally:
        server.stop(0).wait()
