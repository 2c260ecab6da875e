"""Tokens that end with what they are bound to: times, objects, and what is kept of both."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from contextlib import suppress
from random import Random
from typing import Any

import msgspec
import pytest

from strongroom.access.authn.account_tokens import LONGEST
from strongroom.access.authn.claims import Claims, Named
from strongroom.access.authn.issuing import Order
from strongroom.access.authn.jws import sign
from strongroom.access.authn.keyset import KeySet
from strongroom.access.authn.port import Authenticated, AuthenticationFailed
from strongroom.api.times import format_time
from strongroom.resources.node import Node
from strongroom.resources.pod import Pod
from strongroom.resources.secret import Secret
from strongroom.resources.serviceaccount import ServiceAccount
from tests.access.authn.making import ISSUER, SERVER, World, key, meta

BOUND = {
    "pod": ("pods", Pod, "default"),
    "secret": ("secrets", Secret, "default"),
    "node": ("nodes", Node, ""),
}


@pytest.fixture
def world() -> World:
    return World()


def token_for(world: World, seconds: int = 3600, **more: Any) -> str:
    order = Order(meta("bot", "sa-1"), SERVER, seconds, **more)
    return world.issuer.issue(order, world.clock.now()).token


def bound_token(world: World, kind: str, uid: str) -> str:
    named: dict[str, Any] = {kind: Named("it", uid)}
    return token_for(world, **named)


async def read(world: World, token: str) -> Authenticated:
    found = await world.tokens.authenticate_token(token, SERVER)
    assert found is not None
    return found


async def refusal(world: World, token: str) -> str:
    with pytest.raises(AuthenticationFailed) as caught:
        await world.tokens.authenticate_token(token, SERVER)
    return str(caught.value)


async def test_the_end_comes_a_minute_late_for_clocks_that_differ(world: World) -> None:
    token = token_for(world, 600)
    world.clock.advance(660)
    assert (await read(world, token)).user.name == "system:serviceaccount:default:bot"
    world.clock.advance(1)
    assert await refusal(world, token) == "service account token has expired"


async def test_the_beginning_may_be_a_minute_ahead(world: World) -> None:
    ahead = World(clock=type(world.clock)(world.clock.now()))
    ahead.clock.advance(60)
    token = token_for(ahead)
    await read(world, token)
    ahead.clock.advance(1)
    assert await refusal(world, token_for(ahead)) == "service account token is not valid yet"
    future = Claims(iss=ISSUER, aud=list(SERVER), iat=world.clock.now().timestamp() + 61)
    token = sign(msgspec.json.encode(future), key())
    assert await refusal(world, token) == "service account token is issued in the future"


async def test_without_the_account_there_is_no_token(world: World) -> None:
    token = token_for(world)
    await read(world, token)
    world.put("serviceaccounts", ServiceAccount(metadata=meta("bot", "sa-2")))
    assert await refusal(world, token) == "service account UID (sa-2) does not match claim (sa-1)"
    world.objects.clear()
    assert await refusal(world, token) == 'serviceaccounts "bot" not found'


@pytest.mark.parametrize("kind", BOUND)
async def test_what_it_is_bound_to_ends_it_at_once(world: World, kind: str) -> None:
    plural, type_, namespace = BOUND[kind]
    token = bound_token(world, kind, "uid-1")
    gone = "service account token has been invalidated"
    assert await refusal(world, token) == gone
    world.put(plural, type_(metadata=meta("it", "uid-1", namespace)))
    await read(world, token)
    del world.objects[plural, namespace, "it"]
    assert await refusal(world, token) == gone
    world.put(plural, type_(metadata=meta("it", "uid-2", namespace)))
    assert await refusal(world, token) == (
        f"{kind} UID (uid-2) does not match service account {kind} ref claim (uid-1)"
    )


@pytest.mark.parametrize("kind", ["account", *BOUND])
async def test_what_is_being_deleted_has_a_minute_left(world: World, kind: str) -> None:
    token = token_for(world) if kind == "account" else bound_token(world, kind, "u")
    deleted = format_time(world.clock.now())
    if kind == "account":
        marked = meta("bot", "sa-1", deletionTimestamp=deleted)
        world.put("serviceaccounts", ServiceAccount(metadata=marked))
        told = "service account default/bot has been deleted"
    else:
        plural, type_, namespace = BOUND[kind]
        world.put(plural, type_(metadata=meta("it", "u", namespace, deletionTimestamp=deleted)))
        told = "service account token has been invalidated"
    world.clock.advance(60)
    await read(world, token)
    world.clock.advance(1)
    assert await refusal(world, token) == told


async def test_the_node_of_a_pod_need_not_be_there(world: World) -> None:
    world.put("pods", Pod(metadata=meta("p", "p-1")))
    token = token_for(world, pod=Named("p", "p-1"), node=Named("far", "n-1"))
    extra = (await read(world, token)).user.extra
    assert extra["authentication.kubernetes.io/node-name"] == ("far",)
    assert extra["authentication.kubernetes.io/node-uid"] == ("n-1",)


async def test_who_does_not_renew_is_told_of(world: World) -> None:
    world.put("pods", Pod(metadata=meta("p", "p-1")))
    token = token_for(world, 31536000, warn_after=3607, pod=Named("p", "p-1"))
    world.clock.advance(3607)
    assert (await read(world, token)).annotations == {}
    world.clock.advance(5)
    assert (await read(world, token)).annotations == {
        "authentication.k8s.io/stale-token": "subject: system:serviceaccount:default:bot, "
        "seconds after warning threshold: 5"
    }
    assert world.counted == {"valid": 1, "stale": 1}


async def test_objects_are_read_again_only_when_they_change(world: World) -> None:
    held = world.put("pods", Pod(metadata=meta("p", "p-1")))
    token = token_for(world, pod=Named("p", "p-1"))
    users = {id((await read(world, token)).user) for _ in range(3)}
    assert (held.looks, len(users)) == (1, 1)
    again = world.put("pods", Pod(metadata=meta("p", "p-1")))
    await read(world, token)
    assert (held.looks, again.looks) == (1, 1)


async def test_while_nothing_is_written_nothing_is_looked_up(world: World) -> None:
    world.put("pods", Pod(metadata=meta("p", "p-1")))
    token = token_for(world, 7200, warn_after=3607, pod=Named("p", "p-1"))
    world.still = True
    for _ in range(3):
        await read(world, token)
    assert (world.looks, world.counted["valid"]) == (2, 3)
    # Time goes on all the same, and so do other questions.
    with pytest.raises(AuthenticationFailed):
        await world.tokens.authenticate_token(token, ("elsewhere",))
    world.clock.advance(3608)
    assert (await read(world, token)).annotations
    world.clock.advance(7200 - 3608 + 61)
    assert await refusal(world, token) == "service account token has expired"
    world.still = False
    assert world.looks == 4


async def test_a_key_that_is_taken_out_takes_its_tokens_with_it(world: World) -> None:
    token = token_for(world)
    await read(world, token)
    world.keys = KeySet(key("rsa"), [key().public])
    await read(world, token)
    assert (await read(world, token_for(world))).user.uid == "sa-1"
    world.keys = KeySet(key("rsa"), ())
    assert await refusal(world, token) == "invalid signature, no keys found"


async def test_a_new_key_is_looked_for_before_a_token_is_refused(world: World) -> None:
    """Another process has begun to sign with it, and nobody has looked at the files here yet."""
    old, new = world.keys, KeySet(key("rsa"), ())
    world.keys = new
    token = token_for(world)
    world.current = lambda: old  # type: ignore[method-assign]  # the files as they were
    await read(world, token)


async def test_audiences(world: World) -> None:
    order = Order(meta("bot", "sa-1"), ("a", "b"), 600)
    token = world.issuer.issue(order, world.clock.now()).token
    found = await world.tokens.authenticate_token(token, ("c", "b", "a"))
    assert found is not None
    assert found.audiences == ("b", "a")
    assert await refusal(world, token) == (
        'token audiences ["a" "b"] is invalid for the target audiences ["server"]'
    )


async def test_other_issuers_are_others_business(world: World) -> None:
    token = sign(b'{"iss":"https://elsewhere"}', key())
    assert await world.tokens.authenticate_token(token, SERVER) is None
    assert await world.tokens.authenticate_token("opaque", SERVER) is None
    odd = sign(b'{"iss":"https://issuer.example","aud":7}', key())
    assert await refusal(world, odd) == "the token's claims cannot be read"


ODD: tuple[Any, ...] = (
    *(None, 1, 1.5, True, "", "x", "é", "none", "HS256", "ES256", -1, 10**400, 1e308),
    *([], ["a"], {}, {"a": 1}),
)


@pytest.mark.parametrize("seed", range(8))
async def test_odd_tokens_are_refused_and_nothing_worse(world: World, seed: int) -> None:
    """Headers and claims of every type, signed well or badly."""
    random = Random(seed)
    for _ in range(100):
        chosen = random.sample(["alg", "kid", "typ", "b64", "crit", "jwk", "zip"], 3)
        header = json.dumps({name: random.choice(ODD) for name in chosen})
        names = random.sample(["aud", "exp", "nbf", "iat", "jti", "sub", "kubernetes.io"], 3)
        claims = {"iss": ISSUER} | {name: random.choice(ODD) for name in names}
        payload = json.dumps(claims).encode()
        forged = ".".join(
            urlsafe_b64encode(part).rstrip(b"=").decode()
            for part in (header.encode(), payload, random.randbytes(64))
        )
        for token in (forged, sign(payload, key())):
            assert await refusal(world, token)
    assert await world.tokens.authenticate_token("a.\ud800.c", SERVER) is None


@pytest.mark.parametrize("deep", [("[", "]"), ('{"a":', "}")])
async def test_deep_tokens_are_refused_and_nothing_worse(
    world: World, deep: tuple[str, str]
) -> None:
    """Brackets within brackets, more than anybody recurses into, in either part."""
    issuer = json.dumps(ISSUER)
    before, after = deep
    for depth in (300, 900, 4000):
        inner = before * depth + "1" + after * depth
        for header, payload in (
            (f'{{"alg":"RS256","x":{inner}}}', f'{{"iss":{issuer}}}'),
            ('{"alg":"RS256"}', f'{{"iss":{issuer},"x":{inner}}}'),
            (inner, inner),
        ):
            parts = (header.encode(), payload.encode(), b"signature")
            token = ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
            with suppress(AuthenticationFailed):
                assert await world.tokens.authenticate_token(token, SERVER) is None


async def test_a_former_issuer_is_still_believed(world: World) -> None:
    claims = Claims(iss="https://old", aud="server")
    claims = msgspec.structs.replace(claims, kubernetes=None)
    token = sign(msgspec.json.encode(claims), key())
    assert await refusal(world, token) == 'serviceaccounts "" not found'


async def test_long_tokens_are_believed_and_not_kept(world: World) -> None:
    order = Order(meta("bot", "sa-1"), (*SERVER, "x" * LONGEST), 600)
    token = world.issuer.issue(order, world.clock.now()).token
    for _ in range(2):
        assert (await read(world, token)).user.name == "system:serviceaccount:default:bot"
    assert not world.tokens._known
    await read(world, token_for(world))
    assert len(world.tokens._known) == 1
