"""Groups that a token does not have but says where they are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.access.authn.issued import NOW, Keys, Room, claims, key_set, token
from tests.oidc_issuer import jwk, private_key, sign

SOURCE = "https://groups.example/jane"


OTHER = "https://groups.example"


def afar(**more: Any) -> dict[str, Any]:
    return {
        "_claim_names": {"groups": "src"},
        "_claim_sources": {"src": {"endpoint": SOURCE}},
    } | more


def distributed(**more: Any) -> Room:
    room = Room(claimMappings={"groups": {"claim": "groups", "prefix": "g:"}})
    room.elsewhere.keys[OTHER] = Keys(key_set(jwk(private_key("ES256"), "o")))
    told = claims(iss=OTHER, groups=["a"], **more)
    room.elsewhere.lies[SOURCE] = sign(private_key("ES256"), told, "ES256", kid="o")
    return room


async def test_groups_that_are_elsewhere() -> None:
    room = distributed()
    assert (await room.user(token(**afar()))).groups == ("g:a",)
    sources = {"src": {"endpoint": SOURCE, "access_token": "open"}}
    assert (await room.user(token(**afar(_claim_sources=sources)))).groups == ("g:a",)
    assert room.elsewhere.asked == [(SOURCE, ""), (SOURCE, "open")]
    # A claim that is there is not looked for, nor one that nobody says where it is.
    unneeded: list[dict[str, Any]] = [
        afar(groups=["own"]),
        afar(_claim_names={"other": "src"}),
        afar(_claim_sources={"src": {"JWT": "a.b.c"}}),
        {"_claim_sources": {}},
    ]
    for more in unneeded:
        await room.user(token(**more))
    assert len(room.elsewhere.asked) == 2


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"_claim_names": []}, "oidc: error parsing distributed claim names"),
        ({"_claim_names": {"groups": 1}}, "oidc: error parsing distributed claim names"),
        ({"_claim_sources": ...}, "oidc: no claim sources"),
        ({"_claim_sources": []}, "oidc: could not parse claim sources"),
        ({"_claim_sources": {"src": {"endpoint": 1}}}, "oidc: could not parse claim sources"),
        (
            {"_claim_sources": {}},
            "id token _claim_names contained a source src missing in _claims_sources",
        ),
        (
            {"_claim_sources": {"src": {"endpoint": "https://a"}}},
            'while getting distributed claim "groups": Get "https://a": status 404',
        ),
    ],
)
async def test_places_that_are_none(more: dict[str, Any], fault: str) -> None:
    told = await distributed().fault(token(**afar(**more)))
    assert told == f"oidc: could not expand distributed claims: {fault}"


async def test_what_lies_elsewhere_must_hold_too() -> None:
    for more, fault in (
        (
            {"aud": "other"},
            'verify distributed claim token: oidc: expected audience "room" got ["other"]',
        ),
        ({"exp": NOW - 1}, "verify distributed claim token: oidc: token is expired"),
        (
            {"groups": ...},
            f'jwt returned by distributed claim endpoint "{SOURCE}" did not contain claim: groups',
        ),
        (
            {"iss": "https://c"},
            (
                "verifying untrusted issuer https://c failed: verifier not initialized for "
                'issuer: "https://c"'
            ),
        ),
    ):
        room = distributed()
        signed = claims(**{"iss": OTHER, "groups": ["a"]} | more)
        room.elsewhere.lies[SOURCE] = sign(private_key("ES256"), signed, "ES256", kid="o")
        assert fault in await room.fault(token(**afar()))
    room = distributed()
    room.elsewhere.lies[SOURCE] = "no token"
    assert "malformed token" in await room.fault(token(**afar()))
    forged = claims(iss=OTHER, groups=["admins"])
    room.elsewhere.lies[SOURCE] = sign(private_key("ES256", 1), forged, "ES256", kid="o")
    assert "failed to verify id token signature" in await room.fault(token(**afar()))


async def test_the_number_of_other_issuers_is_bounded() -> None:
    room, fault = distributed(), ""
    for number in range(17):
        told = claims(iss=f"https://{number}")
        room.elsewhere.lies[SOURCE] = sign(private_key("ES256"), told, "ES256")
        fault = await room.fault(token(**afar()))
    assert fault.endswith("verifying untrusted issuer https://16 failed: too many issuers")
