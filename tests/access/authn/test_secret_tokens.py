"""Tokens that Secrets keep: what they must say, what ends them, and what is told of their use."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from strongroom.access.authn.claims import ISSUED_FOR_SECRETS, Claims
from strongroom.access.authn.jws import sign
from strongroom.access.authn.keyset import KeySet
from strongroom.access.authn.port import Authenticated, AuthenticationFailed
from strongroom.resources.object_reference import ObjectReference
from strongroom.resources.secret import Secret
from strongroom.resources.serviceaccount import ServiceAccount
from tests.access.authn.making import SERVER, World, key, meta

CLAIMS = Claims(
    iss=ISSUED_FOR_SECRETS,
    sub="system:serviceaccount:default:bot",
    namespace="default",
    secret_name="s",
    account_name="bot",
    account_uid="sa-1",
)


def made(**changes: Any) -> str:
    return sign(msgspec.json.encode(msgspec.structs.replace(CLAIMS, **changes)), key("rsa"))


def world_with(token: str, labels: dict[str, str] | None = None, *, lookup: bool = True) -> World:
    world = World(lookup=lookup)
    world.keys = KeySet(key("rsa"), ())
    put(world, token, labels or {})
    return world


def put(world: World, token: str, labels: dict[str, str]) -> None:
    secret = Secret(metadata=meta("s", "u", labels=labels), data={"token": token.encode()})
    world.put("secrets", secret)


async def read(world: World, token: str) -> Authenticated:
    found = await world.tokens.authenticate_token(token, SERVER)
    assert found is not None
    return found


async def refusal(world: World, token: str) -> AuthenticationFailed:
    with pytest.raises(AuthenticationFailed) as caught:
        await world.tokens.authenticate_token(token, SERVER)
    return caught.value


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sub": ""}, "sub claim is missing"),
        ({"namespace": ""}, "namespace claim is missing"),
        ({"secret_name": ""}, "secretName claim is missing"),
        ({"account_name": ""}, "serviceAccountName claim is missing"),
        ({"account_uid": ""}, "serviceAccountUID claim is missing"),
        ({"sub": "system:serviceaccount:kube-system:bot"}, "sub claim is invalid"),
        ({"sub": "system:serviceaccount:default"}, "sub claim is invalid"),
        ({"sub": "bot"}, "sub claim is invalid"),
        ({"aud": ["elsewhere"]}, "token audiences"),
    ],
)
async def test_what_it_must_say(changes: dict[str, Any], told: str) -> None:
    token = made(**changes)
    assert str(await refusal(world_with(token), token)).startswith(told)


async def test_its_secret_and_its_account_end_it() -> None:
    token = made()
    world = world_with(token)
    assert (await read(world, token)).user.uid == "sa-1"
    put(world, "another", {})
    assert str(await refusal(world, token)) == "Token does not match server's copy"
    put(world, token, {})
    await read(world, token)
    marked = meta("s", "u", deletionTimestamp="2026-07-01T12:00:00Z")
    world.put("secrets", Secret(metadata=marked, data={"token": token.encode()}))
    assert str(await refusal(world, token)) == "Token has been invalidated"
    del world.objects["secrets", "default", "s"]
    assert str(await refusal(world, token)) == "Token has been invalidated"
    put(world, token, {})
    world.put("serviceaccounts", ServiceAccount(metadata=meta("bot", "sa-2")))
    told = "ServiceAccount UID (sa-2) does not match claim (sa-1)"
    assert str(await refusal(world, token)) == told
    marked = meta("bot", "sa-1", deletionTimestamp="2026-07-01T12:00:00Z")
    world.put("serviceaccounts", ServiceAccount(metadata=marked))
    assert str(await refusal(world, token)) == "ServiceAccount default/bot has been deleted"
    del world.objects["serviceaccounts", "default", "bot"]
    assert str(await refusal(world, token)) == 'serviceaccounts "bot" not found'


async def test_without_lookup_only_the_key_counts() -> None:
    token = made()
    world = world_with(token, lookup=False)
    world.objects.clear()
    found = await read(world, token)
    assert found.user.groups == ("system:serviceaccounts", "system:serviceaccounts:default")
    assert (found.warnings, found.audiences) == ((), SERVER)


async def test_one_that_is_marked_invalid_is_refused_and_its_use_noted() -> None:
    token = made()
    world = world_with(token, {"kubernetes.io/legacy-token-invalid-since": "2026-06-01"})
    error = await refusal(world, token)
    assert str(error) == (
        "the token in secret default/s for service account default/bot has been marked invalid. "
        "Use tokens from the TokenRequest API or manually created secret-based tokens, or remove "
        "the 'kubernetes.io/legacy-token-invalid-since' label from the secret to temporarily "
        "allow use of this token"
    )
    assert error.annotations == {"authentication.k8s.io/legacy-token-invalidated": "s/default"}
    assert world.used == [("s", "2026-07-01")]
    assert world.counted["legacy_invalid"] == 1


async def test_a_generated_one_is_warned_of() -> None:
    token = made()
    world = world_with(token)
    found = await read(world, token)
    assert found.warnings == ()
    kind = "authentication.k8s.io/legacy-token-manual-secret"
    assert found.annotations[kind] == "s"
    account = ServiceAccount(metadata=meta("bot", "sa-1"), secrets=[ObjectReference(name="s")])
    world.put("serviceaccounts", account)
    found = await read(world, token)
    assert found.warnings == (
        (
            "Use tokens from the TokenRequest API or manually created secret-based tokens instead "
            "of auto-generated secret-based tokens."
        ),
    )
    assert found.annotations == {
        "authentication.k8s.io/legacy-token": "system:serviceaccount:default:bot",
        "authentication.k8s.io/legacy-token-autogenerated-secret": "s",
    }
    assert world.counted == {"legacy": 2, "legacy_manual": 1, "legacy_auto": 1}


@pytest.mark.parametrize(
    ("day", "noted"), [("2026-07-01", 0), ("2026-07-02", 0), ("2026-06-30", 1)]
)
async def test_its_use_is_noted_once_a_day(day: str, noted: int) -> None:
    token = made()
    world = world_with(token, {"kubernetes.io/legacy-token-last-used": day})
    await read(world, token)
    assert len(world.used) == noted
    world.clock.advance(2 * 24 * 3600)
    await read(world, token)
    assert world.used[-1] == ("s", "2026-07-03")
