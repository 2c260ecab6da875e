"""The frames of one WebSocket. Loaded when the first is opened: few servers ever see one."""

from __future__ import annotations

from collections.abc import Callable

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from strongroom.server.negotiation import JSON
from strongroom.server.request import ClientGone
from strongroom.server.websocket import messages


class Socket:
    """One WebSocket after its handshake. ``write`` sends bytes, ``hang_up`` ends the connection."""

    def __init__(
        self, content_type: str, write: Callable[[bytes], None], hang_up: Callable[[], None]
    ) -> None:
        self._content_type = content_type
        self._text = content_type.startswith(JSON)
        self._write = write
        self._hang_up = hang_up
        self._connection = Connection(ConnectionType.SERVER)

    @property
    def _ended(self) -> bool:
        return self._connection.state is not ConnectionState.OPEN

    def feed(self, data: bytes) -> None:
        """Take what the client sends: it may ping, and it may close. Messages are thrown away."""
        if self._ended:
            return
        try:
            self._connection.receive_data(data)
            for event in self._connection.events():
                if isinstance(event, Ping):
                    self._write(self._connection.send(event.response()))
                elif isinstance(event, CloseConnection):
                    self._write(self._connection.send(event.response()))
                    self._hang_up()
                    return
        except RemoteProtocolError:
            self.close(CloseReason.PROTOCOL_ERROR)

    def send(self, chunk: bytes) -> None:
        """Send a piece of the stream. Raises ClientGone once goodbye has been said."""
        if self._ended:
            # What came behind the request may have been a goodbye, or no frame at all.
            raise ClientGone
        for message in messages(chunk, self._content_type):
            event = TextMessage(message.decode()) if self._text else BytesMessage(message)
            self._write(self._connection.send(event))

    def close(self, code: int = CloseReason.NORMAL_CLOSURE) -> None:
        """Say goodbye and hang up."""
        try:
            self._write(self._connection.send(CloseConnection(code)))
        except LocalProtocolError:
            pass  # It was said already.
        self._hang_up()
