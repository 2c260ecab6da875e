"""Annotations of strongroom's own, and a label: what people may say of Secrets, and of a
namespace's."""

from __future__ import annotations

EXPIRES_AT = "strongroom.io/expires-at"
"""On Secrets: the moment from which the value is of no use, in RFC 3339."""

ROTATE_AFTER = "strongroom.io/rotate-after"
"""On Secrets: how long a value may stay, since it last changed (``90d``, ``12h30m``)."""

HISTORY = "strongroom.io/history"
"""On Secrets, and on Namespaces for theirs: ``off``, or how many revisions are kept."""

ALLOW_DELETION = "strongroom.io/allow-deletion"
"""On Secrets: ``true`` lets a Secret be deleted that is in use."""

DELETION_GUARD = "strongroom.io/deletion-guard"
"""On Namespaces: what becomes of the deletion of a Secret that is in use, one of ``GUARDS``."""

GUARDS = ("warn", "deny", "off")
"""What ``DELETION_GUARD`` may say; the first where it says nothing."""

CERTIFICATE = "strongroom.io/certificate"
"""A label of Secrets: ``AUTHORITY`` (in kube-system: signs for a signer) or ``ISSUED`` (is filled
with a certificate)."""

AUTHORITY, ISSUED = "authority", "issued"

SIGNER = "strongroom.io/signer"
"""On Secrets with that label: the signer, as ``example.com/mesh``."""

DNS_NAMES = "strongroom.io/dns-names"
"""On issued Secrets: what the certificate is for, with commas between."""

CERTIFICATE_DURATION = "strongroom.io/certificate-duration"
"""How long the certificate lasts (``2160h``); on an authority's: the longest that it gives."""

CERTIFICATE_NAMESPACES = "strongroom.io/namespaces"
"""On an authority's Secret: the namespaces whose Secrets it fills (``*``: all), with commas."""

DNS_DOMAINS = "strongroom.io/dns-domains"
"""On an authority's Secret: what certificates may be named after besides services of their own
namespace."""

SENSITIVE_KEYS = "strongroom.io/sensitive-keys"
"""On ConfigMaps: the keys whose values are confidential, with commas (``*``: all)."""
