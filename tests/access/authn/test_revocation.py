"""Lists of revoked certificates: read whole or not at all, believed of whom they are."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from strongroom.access.authn.revocation import (
    RevocationList,
    RevocationLists,
    read_lists,
    unvouched,
)
from tests.access.authn.certifying import NOW, authority, make, pem_of, revoking

ROOT, OTHER = authority(), authority("other")
JANE = make("jane", ROOT)
INDIRECT = x509.IssuingDistributionPoint(
    full_name=[x509.UniformResourceIdentifier("http://lists.test/")],
    relative_name=None,
    only_contains_user_certs=False,
    only_contains_ca_certs=False,
    only_some_reasons=None,
    indirect_crl=True,
    only_contains_attribute_certs=False,
)


def test_a_file_has_several_lists_in_pem_or_one_in_der() -> None:
    first, second = revoking(ROOT, JANE), revoking(OTHER)
    names = [one.issuer_name for one in read_lists(b"# ours\n" + pem_of(first, second))]
    assert names == ["CN=root", "CN=other"]
    [alone] = read_lists(first.public_bytes(Encoding.DER))
    assert alone.serials == frozenset({JANE.certificate.serial_number})
    assert alone.ends == first.next_update_utc


WHOLE = pem_of(revoking(ROOT, JANE))
UNREADABLE = {
    "nothing": b"",
    "a certificate": ROOT.pem,
    "half a list": WHOLE[: len(WHOLE) // 2],
    "a whole list and half a one": WHOLE + WHOLE[: len(WHOLE) // 2],
    "half a list in DER": revoking(ROOT).public_bytes(Encoding.DER)[:-1],
    "a delta": pem_of(revoking(ROOT, JANE, more=[(x509.DeltaCRLIndicator(1), True)])),
    "a list of others": pem_of(revoking(ROOT, JANE, more=[(INDIRECT, True)])),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_whole_is_refused(case: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_lists(UNREADABLE[case])


def test_a_list_holds_for_what_its_signer_has_issued() -> None:
    lists = RevocationLists(read_lists(WHOLE))
    other = make("other", ROOT)
    assert lists.revoked(JANE.certificate, ROOT.certificate)
    assert not lists.revoked(other.certificate, ROOT.certificate)
    # Another key of the same name has signed neither.
    assert not lists.revoked(JANE.certificate, authority().certificate)


def test_a_list_past_its_end_still_holds() -> None:
    old = revoking(ROOT, JANE, next_update=NOW.replace(year=2020))
    lists = RevocationLists([RevocationList(old)])
    assert lists.revoked(JANE.certificate, ROOT.certificate)


def test_who_may_not_sign_lists_has_signed_none() -> None:
    mute = authority("mute", signs_lists=False)
    assert not RevocationList(revoking(mute)).is_by(mute.certificate)
    # Without the extension a key may be used for everything.
    plain = make("plain", ca=None)
    assert RevocationList(revoking(plain)).is_by(plain.certificate)


def test_forged_lists_are_told_from_those_of_strangers() -> None:
    forged = RevocationList(revoking(ROOT, signer=OTHER))
    good, foreign = RevocationList(revoking(ROOT)), RevocationList(revoking(OTHER))
    assert unvouched([forged, good, foreign], [ROOT.certificate]) == ([forged], [foreign])
