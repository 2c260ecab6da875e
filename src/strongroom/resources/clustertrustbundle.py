"""ClusterTrustBundle: authorities that a cluster's users may trust, a signer's or anybody's.

Source: ``pkg/apis/certificates/validation``, ``pkg/registry/certificates/clustertrustbundle``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import (
    Path,
    dns_subdomain,
    immutable_field,
    invalid_value,
    path_segment,
    too_long,
)
from strongroom.resources import pem
from strongroom.resources.certificates import API_PACKAGE, GROUP, UNREAD, CertificateReader
from strongroom.resources.columns import NAME, NONE
from strongroom.resources.resource import Column, Resource
from strongroom.resources.signer_names import signer_name_errors

__all__ = ["API_PACKAGE", "CLUSTER_TRUST_BUNDLES", "ClusterTrustBundle", "declared"]

LARGEST = 1024 * 1024
"""Bytes of a bundle."""

_NAME = Path("metadata") / "name"
_SIGNER = Path("spec") / "signerName"
_BUNDLE = Path("spec") / "trustBundle"
_OMITTED = "<value omitted>"


class ClusterTrustBundleSpec(Struct):
    """Whom to trust, and on whose word."""

    signerName: Annotated[
        str, F(1, "The signer whose authorities these are, if any; cannot be changed.")
    ] = ""
    trustBundle: Annotated[
        str, F(2, "Certificates of authorities in PEM, each once.", required=True)
    ] = always(str)


class ClusterTrustBundle(Object):
    """Authorities that pods may trust.

    The name of a bundle of a signer begins with the signer's, with a colon for each slash and
    another behind. Who writes it must have the right ``attest`` on that signer.
    """

    spec: Annotated[
        ClusterTrustBundleSpec, F(2, "The signer and the authorities.", required=True)
    ] = msgspec.field(default_factory=ClusterTrustBundleSpec)


@dataclass(frozen=True)
class ClusterTrustBundleResource(Resource[ClusterTrustBundle]):
    """The behaviour of ClusterTrustBundles."""

    reader: CertificateReader = UNREAD

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return path_segment(name, prefix=prefix)

    def validate(self, obj: ClusterTrustBundle) -> list[FieldError]:
        return _common(obj) + _bundle_errors(obj.spec.trustBundle, self.reader)

    def validate_update(self, new: ClusterTrustBundle, old: ClusterTrustBundle) -> list[FieldError]:
        errors = _common(new)
        if new.spec.trustBundle != old.spec.trustBundle:
            errors += _bundle_errors(new.spec.trustBundle, self.reader)
        return errors + immutable_field(new.spec.signerName, old.spec.signerName, _SIGNER)


def _common(obj: ClusterTrustBundle) -> list[FieldError]:
    name, signer = obj.metadata.name, obj.spec.signerName
    errors = [invalid_value(_NAME, name, text) for text in _name_problems(name, signer)]
    return errors + (signer_name_errors(_SIGNER, signer) if signer else [])


def _name_problems(name: str, signer: str) -> list[str]:
    if not signer:
        if ":" in name:
            return ['ClusterTrustBundle without signer name must not have ":" in its name']
        return dns_subdomain(name)
    wanted = signer.replace("/", ":") + ":"
    if not name.startswith(wanted):
        return [f"ClusterTrustBundle for signerName {signer} must be named with prefix {wanted}"]
    return dns_subdomain(name.removeprefix(wanted))


def _bundle_errors(text: str, read: CertificateReader) -> list[FieldError]:
    if len(text.encode()) > LARGEST:
        return [too_long(_BUNDLE, LARGEST)]
    problems, seen = [], dict[bytes, list[int]]()
    for index, block in enumerate(pem.blocks(text.encode())):
        problem = _block_problem(block, read)
        if problem:
            problems.append(f"entry {index} {problem}")
        else:
            seen.setdefault(block.content, []).append(index)
    if not problems and not seen:
        problems.append("at least one trust anchor must be provided")
    if not problems:
        repeated = [indices for indices in seen.values() if len(indices) > 1]
        problems = [f"duplicate trust anchor (indices [{_spaced(found)}])" for found in repeated]
    return [invalid_value(_BUNDLE, _OMITTED, problem) for problem in problems]


def _block_problem(block: pem.Block, read: CertificateReader) -> str:
    if block.type != pem.CERTIFICATE:
        return f"has bad block type: {block.type}"
    if block.headers:
        return "has PEM block headers"
    return read.authority_problem(block.content)


def _spaced(indices: list[int]) -> str:
    return " ".join(str(index) for index in indices)


def declared(reader: CertificateReader) -> ClusterTrustBundleResource:
    """The kind as who can read certificates serves it."""
    return ClusterTrustBundleResource(
        group=GROUP,
        version="v1",
        kind="ClusterTrustBundle",
        plural="clustertrustbundles",
        singular="clustertrustbundle",
        type=ClusterTrustBundle,
        namespaced=False,
        unconditional_update=False,
        reader=reader,
        field_selectors={"spec.signerName": lambda obj: obj.spec.signerName},
        columns=(
            NAME,
            Column(
                "SignerName",
                lambda obj, now: obj.spec.signerName or NONE,
                description="The signer whose authorities these are.",
            ),
        ),
    )


CLUSTER_TRUST_BUNDLES = declared(UNREAD)
