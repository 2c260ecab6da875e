"""Requests of pods for certificates: what may be asked, and what may be answered."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest

from strongroom.api.meta import Condition
from strongroom.api.times import format_time
from strongroom.resources.podcertificaterequest import declared
from strongroom.resources.podcertificaterequest_object import PodCertificateRequest
from strongroom.server.x509 import X509
from strongroom.testing.clock import ManualClock
from tests.controllers.certificates.making import authority
from tests.controllers.certificates.podrequests import NOW, answered, issued, stub, wanting
from tests.resources.making import texts

KIND = declared(X509, ManualClock(NOW))
LEAF = "status.certificateChain: Invalid value: "


@pytest.mark.parametrize(
    ("spec", "finding"),
    [
        ({}, ""),
        ({"stubPKCS10Request": stub("ED25519")}, ""),
        ({"signerName": ""}, "spec.signerName: Required value"),
        ({"podName": "P"}, 'spec.podName: Invalid value: "P": a lowercase RFC 1123 subdomain'),
        ({"podUID": ""}, 'spec.podUID: Invalid value: "": must not be empty'),
        ({"nodeUID": "x" * 129}, "spec.nodeUID: Too long: may not be more than 128 bytes"),
        ({"serviceAccountName": ""}, 'spec.serviceAccountName: Invalid value: ""'),
        ({"maxExpirationSeconds": None}, "spec.maxExpirationSeconds: Required value: must be set"),
        ({"maxExpirationSeconds": 3599}, "3599: must be in the range [3600, 7862400]"),
        ({"maxExpirationSeconds": 7862400}, ""),
        (
            {"maxExpirationSeconds": 86401, "signerName": "kubernetes.io/a"},
            "86401: must be in the range [3600, 86400]",
        ),
        ({"unverifiedUserAnnotations": {"a.io/b": "c"}}, ""),
        (
            {"unverifiedUserAnnotations": {"b": "c"}},
            'must be a domain-prefixed key (such as "acme.io/foo")',
        ),
        ({"stubPKCS10Request": b""}, "spec.stubPKCS10Request: Required value"),
        ({"stubPKCS10Request": b"x" * 10241}, "may not be more than 10240 bytes"),
        ({"stubPKCS10Request": b"x"}, "x509: malformed certificate request"),
        (
            {"stubPKCS10Request": stub()[:-1] + bytes([stub()[-1] ^ 1])},
            "x509: ECDSA verification failure",
        ),
        (
            {"stubPKCS10Request": stub("P192")},
            "elliptic public keys must use curve P256, P384, or P521",
        ),
        (
            {"stubPKCS10Request": stub("RSA2048")},
            "RSA keys must have modulus size 3072 or 4096",
        ),
    ],
)
def test_what_may_be_asked(spec: dict[str, Any], finding: str) -> None:
    found = texts(KIND.validate(wanting(**spec)))
    assert finding in "\n".join(found)
    assert bool(found) == bool(finding)


def test_a_day_is_the_default() -> None:
    request = wanting(maxExpirationSeconds=None)
    KIND.default(request)
    assert request.spec.maxExpirationSeconds == 86400


def test_the_question_does_not_change() -> None:
    (found,) = texts(KIND.validate_update(wanting(podName="other"), wanting()))
    assert found.startswith("spec: Invalid value: ")
    assert found.endswith(": field is immutable")
    assert not KIND.validate_update(wanting(), wanting())


def with_condition(**fields: Any) -> PodCertificateRequest:
    request = answered("Denied")
    for name, value in fields.items():
        setattr(request.status.conditions[0], name, value)
    return request


def doubled() -> PodCertificateRequest:
    request = answered("Denied")
    request.status.conditions.append(copy.deepcopy(answered("Failed").status.conditions[0]))
    return request


@pytest.mark.parametrize(
    ("new", "finding"),
    [
        (issued(), ""),
        (answered("Denied"), ""),
        (answered("Failed"), ""),
        (wanting(), ""),
        (answered("Done"), 'status.conditions[0].type: Unsupported value: "Done"'),
        (doubled(), "There may be at most one condition with type"),
        (with_condition(status="False"), 'Unsupported value: "False": supported values: "True"'),
        (with_condition(reason=""), "status.conditions[0].reason: Required value"),
        (with_condition(reason="no way"), "a condition reason must start with"),
        (with_condition(reason="R" * 1025), "conditions[0].reason: Too long"),
        (with_condition(message="m" * 32769), "conditions[0].message: Too long"),
        (with_condition(observedGeneration=-1), "must be greater than or equal to zero"),
        (with_condition(lastTransitionTime=""), "lastTransitionTime: Required value"),
        (
            answered("Failed", notAfter=format_time(NOW)),
            "non-condition status fields must be empty when denying or failing",
        ),
        (issued(certificateChain=""), "must contain at least one certificate"),
        (issued(certificateChain="x" * 102401), "may not be more than 102400 bytes"),
        (
            issued(certificateChain=authority()[1].decode()),
            "issued certificate chain must consist entirely of CERTIFICATE PEM blocks",
        ),
        (
            issued(certificateChain=issued().status.certificateChain + authority()[1].decode()),
            "issued certificate chain must consist entirely of CERTIFICATE PEM blocks",
        ),
        (issued(number=1), "leaf certificate was not issued to the requested public key"),
        (issued(names=("a..b",)), LEAF + '"a..b": leaf certificate\'s DNSName'),
        (issued(names=(".a",)), "should not start or end with '.'"),
        (issued(notBefore=""), "status.notBefore: Required value"),
        (issued(notAfter=""), "status.notAfter: Required value"),
        (issued(beginRefreshAt=""), "status.beginRefreshAt: Required value"),
        (
            issued(notBefore=format_time(NOW - timedelta(seconds=1))),
            "must be set to the NotBefore time encoded in the leaf certificate",
        ),
        (
            issued(notAfter=format_time(NOW)),
            "must be set to the NotAfter time encoded in the leaf certificate",
        ),
        (issued(begin=NOW - timedelta(minutes=5)), "must be set to within 5 minutes"),
        (issued(life=timedelta(minutes=59)), "leaf certificate lifetime must be >= 1 hour"),
        (
            issued(life=timedelta(seconds=3601)),
            "leaf certificate lifetime must be <= spec.maxExpirationSeconds (3600)",
        ),
        (
            issued(beginRefreshAt=format_time(NOW + timedelta(minutes=9))),
            "must be at least 10 minutes after status.notBefore",
        ),
        (
            issued(beginRefreshAt=format_time(NOW + timedelta(minutes=51))),
            "must be at least 10 minutes before status.notAfter",
        ),
    ],
)
def test_what_may_be_answered(new: PodCertificateRequest, finding: str) -> None:
    found = answers(new, wanting())
    assert finding in "\n".join(found)
    assert bool(found) == bool(finding)


def answers(new: PodCertificateRequest, old: PodCertificateRequest) -> list[str]:
    part = KIND.subresource("status")
    assert part is not None
    return texts(part.validate(part.merge(copy.deepcopy(new), copy.deepcopy(old)), old))


def test_an_answer_is_final() -> None:
    said = "immutable after PodCertificateRequest is issued, denied, or failed"
    assert said in answers(issued(), answered("Denied"))[0]
    assert said in answers(wanting(), issued())[0]
    assert not answers(answered("Denied"), answered("Denied"))


def test_nothing_is_said_before_the_answer() -> None:
    early = wanting()
    early.status.notAfter = format_time(NOW)
    assert "status is immutable unless transitioning" in answers(early, wanting())[0]


def test_the_status_carries_nothing_else() -> None:
    part = KIND.subresource("status")
    assert part is not None
    new = answered("Denied")
    new.spec.podName, new.metadata.labels = "other", {"a": "b"}
    new.status.conditions[0].lastTransitionTime = ""
    merged = part.merge(new, wanting())
    part.stamp(merged, wanting(), NOW)
    assert merged.spec == wanting().spec
    assert not merged.metadata.labels
    assert merged.status.conditions[0].lastTransitionTime == format_time(NOW)


def test_how_it_is_listed() -> None:
    cells = [column.cell(issued(), NOW) for column in KIND.columns]
    assert cells == ["wanted", "web", "robot", "n1", "example.com/mesh", "Issued"]
    assert KIND.columns[-1].cell(wanting(), NOW) == "Pending"


def test_a_repeated_type_is_found() -> None:
    request = answered("Denied")
    request.status.conditions.append(Condition(type="Denied", status="True"))
    assert any("Duplicate value" in text for text in answers(request, wanting()))
