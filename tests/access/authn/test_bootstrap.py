"""Who shows a bootstrap token is its id's user, while the Secret behind it holds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from strongroom.access.authn.bootstrap import BootstrapTokens
from strongroom.access.authn.objects import Stored
from strongroom.api.meta import Object
from strongroom.api.times import format_time
from strongroom.resources.configmap import ConfigMap
from strongroom.resources.secret import BOOTSTRAP_TOKEN, OPAQUE, Secret
from strongroom.testing.clock import START, ManualClock

TOKEN = "abcdef.0123456789abcdef"


class Kept:
    """The Secrets of kube-system."""

    revision = 0

    def __init__(self) -> None:
        self.secrets: dict[str, Object] = {}
        self.asked: list[tuple[str, str, str]] = []

    async def find(self, plural: str, namespace: str, name: str) -> Stored | None:
        raise AssertionError("nothing is kept between two requests")

    async def get(self, plural: str, namespace: str, name: str) -> Object | None:
        self.asked.append((plural, namespace, name))
        return self.secrets.get(name)


def secret() -> Secret:
    """One that holds."""
    made = Secret(type=BOOTSTRAP_TOKEN)
    made.metadata.name = "bootstrap-token-abcdef"
    made.data = {
        "token-id": b"abcdef",
        "token-secret": b"0123456789abcdef",
        "expiration": format_time(START + timedelta(hours=1)).encode(),
        "usage-bootstrap-authentication": b"true",
        "auth-extra-groups": b"system:bootstrappers:z,system:bootstrappers:a",
    }
    return made


async def user(kept: Kept, token: str = TOKEN, clock: ManualClock | None = None) -> str | None:
    found = await BootstrapTokens(kept, clock or ManualClock()).authenticate_token(token)
    return found.user.name if found else None


async def test_its_user_and_groups() -> None:
    kept = Kept()
    kept.secrets["bootstrap-token-abcdef"] = secret()
    found = await BootstrapTokens(kept, ManualClock()).authenticate_token(TOKEN)
    assert found is not None
    assert found.user.name == "system:bootstrap:abcdef"
    assert found.user.groups == (
        "system:bootstrappers",
        "system:bootstrappers:a",
        "system:bootstrappers:z",
    )
    assert (found.user.uid, found.user.extra, found.warnings) == ("", {}, ())
    assert kept.asked == [("secrets", "kube-system", "bootstrap-token-abcdef")]


@pytest.mark.parametrize("token", ["", "abcdef", "abcdef.0123456789abcde", f"{TOKEN}0", "a.b.c"])
async def test_what_is_no_bootstrap_token_is_not_looked_up(token: str) -> None:
    kept = Kept()
    assert await user(kept, token) is None
    assert kept.asked == []


async def test_another_secret_or_none_or_what_is_no_secret() -> None:
    kept = Kept()
    assert await user(kept) is None
    kept.secrets["bootstrap-token-abcdef"] = secret()
    assert await user(kept, "abcdef.0123456789abcdeg") is None
    assert await user(kept) == "system:bootstrap:abcdef"
    kept.secrets["bootstrap-token-abcdef"] = ConfigMap()
    assert await user(kept) is None


@pytest.mark.parametrize(
    "data",
    [
        {"token-id": b"abcdeg"},
        {"token-id": b""},
        {"token-secret": b""},
        {"token-secret": b"\xff"},
        {"expiration": b"soon"},
        {"expiration": format_time(START).encode()},
        {"usage-bootstrap-authentication": b"false"},
        {"usage-bootstrap-authentication": b""},
        {"auth-extra-groups": b"system:masters"},
        {"auth-extra-groups": b"system:bootstrappers:a,"},
    ],
)
async def test_what_makes_it_useless(data: dict[str, bytes]) -> None:
    kept, made = Kept(), secret()
    made.data |= data
    kept.secrets["bootstrap-token-abcdef"] = made
    assert await user(kept) is None


async def test_it_ends_with_its_time_its_type_and_its_deletion() -> None:
    kept, clock, made = Kept(), ManualClock(), secret()
    kept.secrets["bootstrap-token-abcdef"] = made
    clock.advance(3599)
    assert await user(kept, clock=clock) == "system:bootstrap:abcdef"
    clock.advance(1)
    assert await user(kept, clock=clock) is None
    del made.data["expiration"]
    assert await user(kept, clock=clock) == "system:bootstrap:abcdef"
    made.type = OPAQUE
    assert await user(kept) is None
    made.type, made.metadata.deletionTimestamp = BOOTSTRAP_TOKEN, format_time(START)
    assert await user(kept) is None
