"""Who vouches for whom: ways through authorities, and what ends them."""

from __future__ import annotations

import pytest
from cryptography import x509

from strongroom.access.authn.authorities import MAX_DEPTH, Authorities, OutOfDate
from strongroom.access.authn.port import AuthenticationFailed
from strongroom.access.authn.revocation import RevocationList, RevocationLists
from tests.access.authn.certifying import (
    CLIENT,
    DAY,
    NOW,
    SERVER,
    Holder,
    authority,
    make,
    revoking,
)

ROOT = authority()
OTHER = authority("other")
BETWEEN = authority("between", ROOT)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
NAMES = x509.NameConstraints([x509.DNSName("here.test")], None)


def lists(*crls: x509.CertificateRevocationList) -> RevocationLists:
    return RevocationLists(map(RevocationList, crls))


def check(bundle: list[Holder], *shown: Holder, revoked: RevocationLists | None = None) -> bool:
    """Whether a bundle vouches for the first of those shown."""
    authorities = Authorities([one.certificate for one in bundle], revoked)
    try:
        authorities.check([one.certificate for one in shown], NOW)
    except AuthenticationFailed:
        return False
    return True


RIGHT = {
    "signed by the authority": ([ROOT], [make("jane", ROOT)]),
    "for clients": ([ROOT], [make("jane", ROOT, purposes=[CLIENT])]),
    "an Edwards key": ([ROOT], [make("jane", ROOT, edwards=True)]),
    "one of several authorities": ([OTHER, ROOT], [make("jane", ROOT)]),
    "by way of one that is shown": ([ROOT], [make("jane", BETWEEN), BETWEEN]),
    "the one between is believed itself": ([BETWEEN], [make("jane", BETWEEN)]),
    "what is shown besides does not matter": ([ROOT], [make("jane", ROOT), OTHER, ROOT]),
    "a renewed authority of the same name": ([authority(), ROOT], [make("jane", ROOT)]),
    "an unknown extension that is not critical": (
        [ROOT],
        [make("jane", ROOT, more=[(UNKNOWN, False)])],
    ),
    "names are constrained and there are none": (
        [named := authority("named", more=[(NAMES, True)])],
        [make("jane", named)],
    ),
}

BOUND = authority("bound", path_length=0)
BELOW = authority("below", BOUND)
SERVERS = authority("servers", purposes=[SERVER])
NO_AUTHORITY = make("no authority", ROOT)
SAYS_NO = make("says no", ROOT, ca=False)
NOT_SIGNING = authority("not signing", ROOT, signs=False)
ENDED = authority("ended", ROOT, ends=NOW - DAY / 2)

WRONG = {
    "another authority": ([ROOT], [make("jane", OTHER)]),
    "no authority at all": ([], [make("jane", ROOT)]),
    "signed by itself": ([ROOT], [make("jane", organizations=["system:masters"])]),
    "the same name and another key": ([ROOT], [make("jane", authority())]),
    "the one between is missing": ([ROOT], [make("jane", BETWEEN)]),
    "for servers": ([ROOT], [make("jane", ROOT, purposes=[SERVER])]),
    "the authority is for servers": ([SERVERS], [make("jane", SERVERS)]),
    "ended": ([ROOT], [make("jane", ROOT, ends=NOW - DAY / 2)]),
    "not begun": ([ROOT], [make("jane", ROOT, begins=NOW + DAY)]),
    "the one between ended": ([ROOT], [make("jane", ENDED), ENDED]),
    "signed by another client": ([ROOT], [make("jane", NO_AUTHORITY), NO_AUTHORITY]),
    "signed by one that is no authority": ([ROOT], [make("jane", SAYS_NO), SAYS_NO]),
    "signed by a key that may not": ([ROOT], [make("jane", NOT_SIGNING), NOT_SIGNING]),
    "too far below": ([BOUND], [make("jane", BELOW), BELOW]),
    "an unknown critical extension": ([ROOT], [make("jane", ROOT, more=[(UNKNOWN, True)])]),
    "constrained names": ([named], [make("jane", named, hosts=["here.test"])]),
}


@pytest.mark.parametrize("case", RIGHT)
def test_it_is_vouched_for(case: str) -> None:
    bundle, shown = RIGHT[case]
    assert check(bundle, *shown)


@pytest.mark.parametrize("case", WRONG)
def test_it_is_not_vouched_for(case: str) -> None:
    bundle, shown = WRONG[case]
    assert not check(bundle, *shown)


def test_a_list_ends_the_way_through_whoever_it_names() -> None:
    jane, john = make("jane", ROOT), make("john", BETWEEN)
    of_root, of_between = lists(revoking(ROOT, jane)), lists(revoking(BETWEEN, john))
    assert not check([ROOT], jane, revoked=of_root)
    assert check([ROOT], john, BETWEEN, revoked=of_root)
    # The list of an authority that only the client shows.
    assert not check([ROOT], john, BETWEEN, revoked=of_between)
    # An authority taken back, shown by the client or in the bundle beside the one that did it.
    no_between = lists(revoking(ROOT, BETWEEN))
    assert not check([ROOT], john, BETWEEN, revoked=no_between)
    assert not check([BETWEEN, ROOT], john, revoked=no_between)


def test_a_list_of_another_authority_of_the_same_name_refuses_nobody() -> None:
    jane, namesake = make("jane", ROOT), authority()
    assert check([ROOT, namesake], jane, revoked=lists(revoking(namesake, jane)))


def test_the_span_is_that_of_the_whole_way() -> None:
    short = authority("short", ROOT, begins=NOW - DAY / 4, ends=NOW + DAY)
    jane = make("jane", short)
    authorities = Authorities([ROOT.certificate])
    span = authorities.check([jane.certificate, short.certificate], NOW)
    assert span == (NOW - DAY / 4, NOW + DAY)
    with pytest.raises(OutOfDate):
        authorities.check([jane.certificate, short.certificate], NOW + 2 * DAY)


def test_every_change_is_another_version() -> None:
    authorities = Authorities([ROOT.certificate])
    versions = [authorities.version]
    authorities.replace([ROOT.certificate])
    assert authorities.version == versions[0]
    authorities.replace([OTHER.certificate])
    versions.append(authorities.version)
    authorities.revoke(lists())
    versions.append(authorities.version)
    assert len(set(versions)) == 3


def test_a_maze_of_authorities_ends() -> None:
    """Many of the same name, each signed by the next: none leads out, and the search gives up."""
    key = authority("maze", OTHER)
    maze = [authority("maze", key) for _ in range(40)]
    assert not check([ROOT], make("jane", maze[0]), *maze)
    way = [authority("0", ROOT)]
    for number in range(MAX_DEPTH + 1):
        way.append(authority(str(number + 1), way[-1]))
    assert not check([ROOT], make("jane", way[-1]), *way)
    assert check([ROOT], make("jane", way[MAX_DEPTH - 2]), *way[: MAX_DEPTH - 1])
