"""Rights on signers: by name or by domain, for approving, signing and attesting."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from strongroom.access.admission.certificates import (
    CertificateApproval,
    CertificateSigning,
    CertificateSubjectRestriction,
    ClusterTrustBundleAttest,
    PodCertificateSigning,
)
from strongroom.access.admission.port import AdmissionPlugin, AdmissionRequest
from strongroom.access.authz.port import Decision, Verdict
from strongroom.access.user import Attributes, User
from strongroom.api.errors import StatusError
from strongroom.api.meta import Object
from strongroom.resources.certificatesigningrequest import CERTIFICATE_SIGNING_REQUESTS
from strongroom.resources.certificatesigningrequest_object import CertificateSigningRequest
from strongroom.resources.clustertrustbundle import CLUSTER_TRUST_BUNDLES, ClusterTrustBundle
from strongroom.resources.podcertificaterequest import POD_CERTIFICATE_REQUESTS
from strongroom.server.signers import SignerRights
from tests.controllers.certificates.making import asking, pkcs10
from tests.controllers.certificates.podrequests import answered, wanting
from tests.resources.making import made

ANN = User("ann")
SIGNER = "a.b/mesh"


class Rights:
    """An authorizer that allows these verbs on these names of signers."""

    def __init__(self, *allowed: tuple[str, str]) -> None:
        self._allowed = set(allowed)

    async def authorize(self, attributes: Attributes) -> Decision:
        assert (attributes.group, attributes.resource) == ("certificates.k8s.io", "signers")
        allowed = (attributes.verb, attributes.name) in self._allowed
        return Decision(Verdict.ALLOW if allowed else Verdict.NO_OPINION)


def write(operation: str, obj: Object, old: Object | None, part: str = "") -> AdmissionRequest:
    csr = isinstance(obj, CertificateSigningRequest)
    kind = CERTIFICATE_SIGNING_REQUESTS if csr else CLUSTER_TRUST_BUNDLES
    attributes = Attributes(ANN, operation.lower(), "", subresource=part)
    return AdmissionRequest(
        *(attributes, operation, kind, "", "x", obj, old, False, {}),
        warn=lambda text: None,
        annotate=lambda key, value: None,
    )


def bundle(signer: str, **labels: str) -> ClusterTrustBundle:
    return made(
        {"metadata": {"labels": labels}, "spec": {"signerName": signer}}, ClusterTrustBundle
    )


REQUEST = asking(b"", SIGNER)
ISSUED = copy.deepcopy(REQUEST)
ISSUED.status.certificate = b"x"

APPROVAL = write("UPDATE", REQUEST, REQUEST, "approval")
SIGNING = write("UPDATE", ISSUED, REQUEST, "status")
ATTEST = write("CREATE", bundle(SIGNER), None)


async def refusal(plugin: AdmissionPlugin, request: AdmissionRequest) -> str:
    """What a judge says against a write; nothing if it lets it pass."""
    try:
        await plugin.validate(request)
    except StatusError as error:
        return error.message if error.code == 403 else "refused with another code"
    return ""


@pytest.mark.parametrize(
    ("plugin", "request_", "verb", "said"),
    [
        (CertificateApproval, APPROVAL, "approve", "approve requests with signerName"),
        (CertificateSigning, SIGNING, "sign", "sign requests with signerName"),
        (ClusterTrustBundleAttest, ATTEST, "attest", "attest for signerName"),
    ],
)
async def test_rights_are_by_name_or_by_domain(
    plugin: type[CertificateApproval], request_: AdmissionRequest, verb: str, said: str
) -> None:
    for allowed in ((verb, SIGNER), (verb, "a.b/*")):
        assert await refusal(plugin(SignerRights(Rights(allowed))), request_) == ""
    for allowed in ((verb, "a.b/other"), (verb, "a/*"), ("other", SIGNER)):
        text = await refusal(plugin(SignerRights(Rights(allowed))), request_)
        assert text.endswith(f'user not permitted to {said} "{SIGNER}"')


@pytest.mark.parametrize(
    "request_",
    [
        write("UPDATE", REQUEST, REQUEST, "status"),
        write("UPDATE", REQUEST, REQUEST),
        write("CREATE", bundle(""), None),
        write("UPDATE", bundle(SIGNER), bundle(SIGNER)),
    ],
)
async def test_what_changes_nothing_of_a_signer_takes_no_right(request_: AdmissionRequest) -> None:
    signers = SignerRights(Rights())
    for plugin in (CertificateApproval, CertificateSigning, ClusterTrustBundleAttest):
        assert await refusal(plugin(signers), request_) == ""


async def test_a_change_of_labels_takes_the_right() -> None:
    changed = write("UPDATE", bundle(SIGNER, a="b"), bundle(SIGNER))
    assert await refusal(ClusterTrustBundleAttest(SignerRights(Rights())), changed)


@pytest.mark.parametrize(
    ("signer", "groups", "said"),
    [
        ("kubernetes.io/kube-apiserver-client", ("team",), ""),
        ("kubernetes.io/kube-apiserver-client", ("team", "system:masters"), "is not allowed"),
        (SIGNER, ("system:masters",), ""),
    ],
)
async def test_nobody_becomes_the_master(signer: str, groups: tuple[str, ...], said: str) -> None:
    request = write("CREATE", asking(pkcs10("ann", groups), signer), None)
    text = await refusal(CertificateSubjectRestriction(SignerRights(Rights())), request)
    assert said in text
    assert bool(text) == bool(said)


async def test_what_cannot_be_read_is_refused() -> None:
    request = write("CREATE", asking(b"x"), None)
    text = await refusal(CertificateSubjectRestriction(SignerRights(Rights())), request)
    assert text.endswith("failed to parse CSR: PEM block type must be CERTIFICATE REQUEST")


async def test_who_answers_a_pod_may_sign_for_the_signer() -> None:
    """Refused as the registry refuses: 422, in the name of the field."""
    request_ = replace(
        write("UPDATE", answered("Denied"), wanting(), "status"), resource=POD_CERTIFICATE_REQUESTS
    )
    await PodCertificateSigning(SignerRights(Rights(("sign", "example.com/*")))).validate(request_)
    nobody = PodCertificateSigning(SignerRights(Rights(("approve", "example.com/mesh"))))
    with pytest.raises(StatusError) as raised:
        await nobody.validate(request_)
    said = 'Forbidden: User "ann" is not permitted to "sign" for signer "example.com/mesh"'
    assert (raised.value.code, said in raised.value.message) == (422, True)
    await nobody.validate(replace(request_, obj=wanting()))
    await nobody.validate(write("UPDATE", answered("Denied"), wanting()))
