"""Certificate, key, bundles and lists change while a server runs, on connections old and new."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from strongroom.access.authn.port import AuthenticationFailed, Credentials
from strongroom.access.authn.x509 import X509Authenticator
from strongroom.api.clock import SystemClock
from strongroom.server import serving
from strongroom.server.exchange import Exchange
from strongroom.server.options import parse_options
from strongroom.server.reloading import BadFile
from strongroom.server.request import Request
from strongroom.server.serving import Listener, listen
from strongroom.server.tls_files import TLSFiles
from tests.access.authn.certifying import DAY, SERVER, Holder, make, pem_of, revoking

NOW = SystemClock().now()
DATES = {"begins": NOW - DAY, "ends": NOW + 30 * DAY}


def holder(
    name: str, by: Holder | None = None, *, ca: bool | None = None, **more: object
) -> Holder:
    return make(name, by, ca=ca, **DATES, **more)  # type: ignore[arg-type]  # passed on as they are


OWN, THEIRS, FRONT = (holder(name, ca=True) for name in ("own", "theirs", "front"))
FIRST, SECOND = (
    holder(name, OWN, hosts=["localhost"], purposes=[SERVER]) for name in ("first", "second")
)
JANE, JOHN = holder("jane", OWN), holder("john", THEIRS)
PROXY = holder("proxy", FRONT)


class WhoAmI:
    """An application that tells clients who they are, or 401."""

    def __init__(self, tls: TLSFiles) -> None:
        self._authenticator = X509Authenticator(tls.clients, SystemClock())

    async def serve(self, request: Request, exchange: Exchange) -> None:
        line, name = b"200 OK", b""
        try:
            user = await self._authenticator.authenticate(
                Credentials(request.headers, request.certificate)
            )
            name = user.name.encode() if user else b"nobody"
        except AuthenticationFailed as error:
            line, name = b"401 Unauthorized", str(error).encode()
        head = b"HTTP/1.1 %b\r\ncontent-length: %d\r\n" % (line, len(name))
        await exchange.answer(head, name)


@dataclass
class Client:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self) -> str:
        self.writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        return (await self.reader.readexactly(length)).decode()

    @property
    def server(self) -> str:
        """The common name of what the server showed."""
        shown = self.writer.get_extra_info("peercert")["subject"]
        return str(dict(pair for part in shown for pair in part)["commonName"])


class Room:
    """The files, and a server that reads them."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        self.show(FIRST)
        self.write("own.crt", OWN.pem)
        self.write("theirs.crt", THEIRS.pem)
        self.write("front.crt", FRONT.pem)
        options = parse_options(arguments).tls
        pair = directory / "tls.crt", directory / "tls.key"
        clients = directory / "theirs.crt"
        self.tls = TLSFiles(pair, directory / "own.crt", clients, options, SystemClock())
        self.port = 0

    def write(self, name: str, content: bytes) -> None:
        (self.directory / name).write_bytes(content)

    def show(self, pair: Holder) -> None:
        self.write("tls.crt", pair.pem)
        self.write("tls.key", pair.key_pem)

    async def look(self) -> None:
        """What happens every second."""
        for reloading in self.tls._reloading:
            await reloading.turn()

    async def connect(self, who: Holder | None = None, above: bytes = b"") -> Client:
        context = ssl.create_default_context(cadata=OWN.pem.decode())
        if who is not None:
            (self.directory / "client.pem").write_bytes(who.pem + above + who.key_pem)
            context.load_cert_chain(self.directory / "client.pem")
        found = await asyncio.open_connection("localhost", self.port, ssl=context)
        return Client(*found)

    async def refuses(self, who: Holder) -> bool:
        """Whether TLS refuses a client. With TLS 1.3 it learns that from its first read."""
        client = None
        try:
            client = await self.connect(who)
            return not await client.reader.read(1)
        except (ssl.SSLError, ConnectionError):
            return True
        finally:
            if client is not None:
                close(client)


@contextlib.asynccontextmanager
async def served(room: Room) -> AsyncIterator[Room]:
    sock = listen("127.0.0.1", 0)
    room.port = sock.getsockname()[1]
    listener = Listener(WhoAmI(room.tls), sock, room.tls.context)
    serving = asyncio.create_task(listener.serve())
    await listener.serving.wait()
    try:
        yield room
    finally:
        listener.stop()
        await serving


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    (tmp_path / "a.crl").write_bytes(pem_of(revoking(OWN)))
    arguments = "--client-ca-crl-file", str(tmp_path / "a.crl")
    more = "--requestheader-client-ca-file", str(tmp_path / "front.crt")
    (tmp_path / "front.crt").write_bytes(FRONT.pem)
    async with served(Room(tmp_path, *arguments, *more)) as one:
        yield one


def close(*clients: Client) -> None:
    for client in clients:
        client.writer.close()


async def test_new_connections_are_shown_the_new_certificate(room: Room) -> None:
    old = await room.connect(JANE)
    room.show(SECOND)
    await room.look()
    new = await room.connect(JOHN)
    assert (old.server, new.server) == ("first", "second")
    assert (await old.ask(), await new.ask()) == ("jane", "john")
    close(old, new)


async def test_half_a_pair_never_breaks_serving(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    for name, content in (
        ("tls.crt", SECOND.pem),
        ("tls.crt", SECOND.pem[:300]),
        ("tls.crt", b""),
        ("tls.key", SECOND.key_pem[:100]),
    ):
        room.write(name, content)
        await room.look()
        client = await room.connect(JANE)
        assert (client.server, await client.ask()) == ("first", "jane")
        close(client)
    told = [vars(r)["fields"]["error"] for r in caplog.records if r.levelno == logging.ERROR]
    assert told
    assert all("tls.crt" in text and "PRIVATE" not in text for text in told)
    room.show(SECOND)
    await room.look()
    client = await room.connect(JANE)
    assert client.server == "second"
    close(client)


async def test_an_authority_that_left_vouches_for_nobody_old_or_new(room: Room) -> None:
    old, other = await room.connect(JOHN), await room.connect(JANE)
    assert await old.ask() == "john"
    room.write("theirs.crt", holder("new", ca=True).pem)
    # Also while the pair, which is read for new connections, is half-written.
    room.write("tls.crt", b"")
    await room.look()
    assert await old.ask() == "no authority vouches for the client certificate"
    assert await other.ask() == "jane"
    room.show(SECOND)
    await room.look()
    assert await room.refuses(JOHN)
    close(old, other)


async def test_an_authority_that_comes_vouches_for_its_own(room: Room) -> None:
    new = holder("new", ca=True)
    jack = holder("jack", new)
    assert await room.refuses(jack)
    room.write("theirs.crt", THEIRS.pem + new.pem)
    await room.look()
    client = await room.connect(jack)
    assert await client.ask() == "jack"
    close(client)


async def test_a_bundle_that_is_wrong_changes_nothing(room: Room) -> None:
    old = await room.connect(JOHN)
    for content in (b"", b"nonsense", THEIRS.pem[:200]):
        room.write("theirs.crt", content)
        await room.look()
        assert await old.ask() == "john"
    close(old)


async def test_those_between_are_shown_by_the_client(room: Room) -> None:
    between = holder("between", THEIRS, ca=True)
    jack = holder("jack", between)
    client = await room.connect(jack, above=between.pem)
    assert await client.ask() == "jack"
    room.write("a.crl", pem_of(revoking(THEIRS, between)))
    await room.look()
    assert await client.ask() == "the client certificate is revoked"
    close(client)


async def test_the_authority_of_proxies_makes_nobody_a_user(room: Room) -> None:
    client = await room.connect(PROXY)
    assert await client.ask() == "no authority vouches for the client certificate"
    close(client)


async def test_who_is_revoked_is_refused_on_connections_old_and_new(room: Room) -> None:
    old, other = await room.connect(JANE), await room.connect(JOHN)
    assert (await old.ask(), await other.ask()) == ("jane", "john")
    room.write("a.crl", pem_of(revoking(OWN, JANE), revoking(THEIRS)))
    await room.look()
    new = await room.connect(JANE)
    for client in (old, new):
        assert await client.ask() == "the client certificate is revoked"
    assert await other.ask() == "john"
    # A list that is damaged, forged, or gone takes nothing back.
    for content in (b"", pem_of(revoking(OWN, signer=THEIRS))):
        room.write("a.crl", content)
        await room.look()
        assert await old.ask() == "the client certificate is revoked"
    (room.directory / "a.crl").unlink()
    await room.look()
    assert await old.ask() == "the client certificate is revoked"
    room.write("a.crl", pem_of(revoking(OWN)))
    await room.look()
    assert await old.ask() == "jane"
    close(old, new, other)


async def test_a_list_past_its_end_still_refuses_and_is_told_once(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.write("a.crl", pem_of(revoking(OWN, JANE, next_update=NOW - DAY)))
    await room.look()
    client = await room.connect(JANE)
    assert await client.ask() == "the client certificate is revoked"
    await room.tls._tell_ends()
    await room.tls._tell_ends()
    told = [r for r in caplog.records if "out of date" in r.getMessage()]
    assert len(told) == 1
    close(client)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tls.key", SECOND.key_pem),
        ("tls.crt", b""),
        ("own.crt", b"nonsense"),
        ("a.crl", b"nonsense"),
        ("a.crl", pem_of(revoking(OWN, signer=THEIRS))),
    ],
)
async def test_a_wrong_file_ends_the_start(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.crl").write_bytes(pem_of(revoking(OWN)))
    room = Room(tmp_path, "--client-ca-crl-file", str(tmp_path / "a.crl"))
    room.write(name, content)
    options = parse_options(["--client-ca-crl-file", str(tmp_path / "a.crl")]).tls
    pair = tmp_path / "tls.crt", tmp_path / "tls.key"
    with pytest.raises(BadFile, match=name.replace(".", r"\.")):
        TLSFiles(pair, tmp_path / "own.crt", None, options, SystemClock())


async def test_who_never_finishes_the_handshake_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "HANDSHAKE_TIMEOUT", 0.2)
    async with served(Room(tmp_path)) as room:
        for beginning in (b"", b"\x16\x03\x01\x02\x00\x01"):
            reader, writer = await asyncio.open_connection("127.0.0.1", room.port)
            writer.write(beginning)
            async with asyncio.timeout(30):
                assert await reader.read() == b""
            writer.close()


async def test_older_versions_of_tls_are_refused(tmp_path: Path) -> None:
    async with served(Room(tmp_path, "--tls-min-version", "VersionTLS13")) as room:
        context = ssl.create_default_context(cadata=OWN.pem.decode())
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("localhost", room.port, ssl=context)
        client = await room.connect()
        assert await client.ask() == "nobody"
        close(client)
