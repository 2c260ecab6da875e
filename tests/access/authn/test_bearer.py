"""Where requests carry tokens, who is asked about them, and what is said of those that fail."""

from __future__ import annotations

import base64

import pytest

from strongroom.access.authn.bearer import BearerTokens, ForServer, token_of
from strongroom.access.authn.port import Authenticated, AuthenticationFailed, Credentials
from strongroom.access.user import User

SERVER = ("server", "server-2")
ENCODED = base64.urlsafe_b64encode(b"t\xc3\xb6k").rstrip(b"=").decode()
SUBPROTOCOL = f"base64url.bearer.authorization.k8s.io.{ENCODED}"


class Knows:
    """Knows one token; fails for another."""

    def __init__(self, token: str) -> None:
        self.token = token

    async def authenticate_token(
        self, token: str, audiences: tuple[str, ...]
    ) -> Authenticated | None:
        if token == f"bad-{self.token}":
            raise AuthenticationFailed(f"{self.token} is over", {"why": self.token})
        if token != self.token:
            return None
        return Authenticated(User(token), audiences[:1], ("old",), {"kind": "a"})


class Agnostic:
    """Knows every token, and no audiences."""

    async def authenticate_token(self, token: str) -> Authenticated | None:
        return Authenticated(User(token))


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer t", "t"),
        ("bearer t", "t"),
        ("BEARER t rest", "t"),
        ("  Bearer t  ", "t"),
        ("Bearer  t", ""),
        ("Bearer", ""),
        ("Basic dTpw", ""),
        ("", ""),
    ],
)
def test_the_header_is_read_as_upstream_reads_it(header: str, token: str) -> None:
    assert token_of({"authorization": header}) == token


def test_a_websocket_may_carry_it_among_its_subprotocols() -> None:
    headers = {"upgrade": "websocket", "sec-websocket-protocol": f"v4.channel, {SUBPROTOCOL}"}
    assert token_of(headers) == "tök"
    assert token_of({"sec-websocket-protocol": f"v4.channel, {SUBPROTOCOL}"}) == ""
    assert token_of(headers | {"sec-websocket-protocol": "v4.channel"}) == ""
    for bad in (f"{SUBPROTOCOL}, {SUBPROTOCOL}", SUBPROTOCOL, f"v4.channel, {SUBPROTOCOL}!"):
        with pytest.raises(AuthenticationFailed):
            token_of(headers | {"sec-websocket-protocol": bad})


async def test_the_first_that_knows_it_wins_and_its_words_travel_on() -> None:
    bearer = BearerTokens([Knows("a"), Knows("b")], SERVER)
    credentials = Credentials({"authorization": "Bearer b"})
    assert await bearer.authenticate(credentials) == User("b")
    assert (credentials.warnings, credentials.annotations) == (["old"], {"kind": "a"})
    assert await bearer.authenticate(Credentials({})) is None


async def test_what_fails_is_told_in_upstreams_words() -> None:
    bearer = BearerTokens([Knows("a"), Knows("b")], SERVER)
    credentials = Credentials({"authorization": "Bearer bad-a"})
    with pytest.raises(AuthenticationFailed) as caught:
        await bearer.authenticate(credentials)
    assert str(caught.value) == "[invalid bearer token, a is over]"
    assert credentials.annotations == {"why": "a"}
    with pytest.raises(AuthenticationFailed) as caught:
        await bearer.review("c", SERVER)
    assert str(caught.value) == "invalid bearer token"


async def test_who_knows_no_audiences_answers_for_the_server() -> None:
    agnostic = ForServer(Agnostic(), SERVER)
    found = await agnostic.authenticate_token("t", ("x", "server-2"))
    assert found is not None
    assert found.audiences == ("server-2",)
    assert await agnostic.authenticate_token("t", ("x",)) is None


def test_nothing_shows_a_token() -> None:
    credentials = Credentials({"authorization": "Bearer hidden"}, b"der")
    assert "hidden" not in repr(credentials)
