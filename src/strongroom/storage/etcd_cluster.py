"""The members of an etcd cluster, and calls to whichever of them answers.

A call goes to the member that answered last; when that is lost or silent, to another one. What may
have been done already is not asked for twice: only reads are, and what was refused for want of a
leader. gRPC is loaded with the first cluster.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from strongroom.storage.errors import NoSpace, StoreClosed, StoreUnavailable

if TYPE_CHECKING:
    import grpc
    import grpc.aio

# A member that cannot reach a majority answers with an error instead of old data or nothing.
LEADER = (("hasleader", "true"),)

ANSWER_WITHIN = 5.0
"""Seconds that a member has for an answer."""

CONNECT_WITHIN = 2.5
"""Seconds in which a member must be connected to."""

_LOOK, _PAUSE = 0.02, 0.05
_OPTIONS = [
    # Lists are as large as they are; what a write may have is etcd's to say.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A member that is stopped or cut off says nothing: found out within 15 s. etcd allows 5 s.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # We judge ourselves what may be asked again, and etcd is not reached through a web proxy.
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
]


class OutOfRange(Exception):
    """A revision is outside the kept history: gone, or still to come."""

    def __init__(self, *, gone: bool) -> None:
        super().__init__("compacted" if gone else "in the future")
        self.gone = gone


class LeaseGone(Exception):
    """The lease that a key was to be put under is over. Nothing was written."""


class Oversized(Exception):
    """The request is larger than etcd takes; the text is its own."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Files for TLS: whom to believe (None: the system's authorities), and who we are."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


class Cluster:
    """Connections to the members at ``urls``: ``https://HOST:PORT``, or ``http://`` in the clear.

    Must be made with its event loop running. Raises: OSError for files that cannot be read.
    """

    def __init__(self, urls: Sequence[str], credentials: Credentials | None = None) -> None:
        # Its own log, on standard error, is in a form that nobody asked for.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        secure = _channel_credentials(credentials or Credentials())
        self._members = [Member(url, secure) for url in urls]
        self._closed = False

    async def ask(
        self,
        method: str,
        request: bytes,
        *,
        again: bool = False,
        within: float = CONNECT_WITHIN,
        answer_within: float = ANSWER_WITHIN,
    ) -> bytes:
        """The answer of a member. ``again``: another may be asked when one fails.

        Raises: `StoreUnavailable`, `StoreClosed`, `OutOfRange`, `Oversized`, `LeaseGone`.
        """
        import grpc

        left, end = len(self._members), asyncio.get_running_loop().time() + within
        while True:
            member = await self.member(within)
            try:
                return await member.ask(method, request, within=answer_within)
            except grpc.RpcError as error:
                left -= 1
                self._judge(member, error)
                # A new leader takes a moment, so that having asked everybody is not all.
                late = left <= 0 and asyncio.get_running_loop().time() > end
                if late or not (again or _refused(error)) or not _passing(error):
                    raise self._translated(member, error) from None
            except asyncio.CancelledError:
                self.check_open_or_cancelled()
                raise
            await asyncio.sleep(_PAUSE)

    async def ask_member(
        self, member: Member, method: str, request: bytes, *, within: float = ANSWER_WITHIN
    ) -> bytes:
        """The answer of this very member. Raises: `StoreUnavailable`, `StoreClosed`."""
        import grpc

        try:
            return await member.ask(method, request, within=within)
        except grpc.RpcError as error:
            raise self._translated(member, error) from None
        except asyncio.CancelledError:
            self.check_open_or_cancelled()
            raise

    async def member(self, within: float = CONNECT_WITHIN) -> Member:
        """A member that is connected. Raises: `StoreUnavailable`, `StoreClosed`."""
        end = asyncio.get_running_loop().time() + within
        while True:
            if self._closed:
                raise StoreClosed("the store was closed")
            for member in tuple(self._members):
                if member.connected():
                    self._prefer(member)
                    return member
            if asyncio.get_running_loop().time() > end:
                names = ", ".join(member.url for member in self._members)
                raise StoreUnavailable(f"no member of etcd can be reached: {names}")
            await asyncio.sleep(_LOOK)

    def avoid(self, member: Member) -> None:
        """Ask others first from now on."""
        self._members.remove(member)
        self._members.append(member)

    def translated(self, member: Member, error: grpc.RpcError) -> Exception:
        """What a failed call means to those who use the store."""
        self._judge(member, error)
        return self._translated(member, error)

    def check_open_or_cancelled(self) -> None:
        """A closed channel cancels its calls, which is not what their callers did.

        Raises: `StoreClosed` then, and not where the task itself was cancelled.
        """
        task = asyncio.current_task()
        if self._closed and not (task is not None and task.cancelling()):
            raise StoreClosed("the store was closed")

    async def close(self) -> None:
        """Hang up. What is under way raises `StoreClosed`."""
        self._closed = True
        await asyncio.gather(*(member.channel.close() for member in self._members))

    @property
    def members(self) -> tuple[Member, ...]:
        """All that are known, the one that is asked first at their head."""
        return tuple(self._members)

    def _prefer(self, member: Member) -> None:
        if self._members[0] is not member:
            self._members.remove(member)
            self._members.insert(0, member)

    def _judge(self, member: Member, error: grpc.RpcError) -> None:
        if _passing(error):
            self.avoid(member)

    def _translated(self, member: Member, error: grpc.RpcError) -> Exception:
        code, said = _code(error), _said(error)
        if code == "OUT_OF_RANGE":
            return OutOfRange(gone="compacted" in said)
        if "request is too large" in said:
            return Oversized("etcd takes no request of that size (--max-request-bytes)")
        if code == "RESOURCE_EXHAUSTED" and "larger than max" in said:
            return Oversized("etcd takes no request of that size (--max-request-bytes)")
        if said == "etcdserver: requested lease not found":
            return LeaseGone(said)
        if "database space exceeded" in said:
            return NoSpace(
                f"{member.url} takes no writes: its file has reached --quota-backend-bytes; "
                "see docs/storage.md, No space"
            )
        if self._closed:
            return StoreClosed("the store was closed")
        if code == "DEADLINE_EXCEEDED":
            return StoreUnavailable(f"{member.url} has not answered in time")
        # Other texts than etcd's own may repeat what was asked.
        told = f": {said}" if said.startswith("etcdserver:") else ""
        return StoreUnavailable(f"{member.url} answers with {code}{told}")


class Member:
    """The connection to one member, which is made again whenever it is lost."""

    def __init__(self, url: str, secure: grpc.ChannelCredentials) -> None:
        import grpc.aio

        self.url = url
        parts = urlsplit(url)
        target = f"dns:///{parts.netloc}"
        if parts.scheme == "https":
            self.channel = grpc.aio.secure_channel(target, secure, _OPTIONS)
        else:
            self.channel = grpc.aio.insecure_channel(target, _OPTIONS)

    def connected(self) -> bool:
        """Whether it is connected to; if not, that is tried from now on."""
        import grpc

        state = self.channel.get_state(try_to_connect=True)
        return state is grpc.ChannelConnectivity.READY

    async def ask(self, method: str, request: bytes, *, within: float = ANSWER_WITHIN) -> bytes:
        """Its answer. Raises: grpc.RpcError."""
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self.channel.unary_unary(method)
        answer: bytes = await call(request, timeout=within, metadata=LEADER)
        return answer

    def stream(self, method: str) -> grpc.aio.StreamStreamCall[bytes, bytes]:
        """Begin a call of many messages each way."""
        begin: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = self.channel.stream_stream(method)
        return begin(metadata=LEADER)


def _channel_credentials(files: Credentials) -> grpc.ChannelCredentials:
    import grpc

    return grpc.ssl_channel_credentials(
        *(
            path.read_bytes() if path is not None else None
            for path in (files.ca_file, files.key_file, files.cert_file)
        )
    )


def _code(error: grpc.RpcError) -> str:
    return str(error.code().name) if hasattr(error, "code") else "UNKNOWN"


def _said(error: grpc.RpcError) -> str:
    return str(error.details() or "") if hasattr(error, "details") else ""


def _passing(error: grpc.RpcError) -> bool:
    """Whether another member, or another moment, may do."""
    return _code(error) in {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"}


def _refused(error: grpc.RpcError) -> bool:
    """Whether the request was certainly not carried out."""
    return _said(error) == "etcdserver: no leader"
