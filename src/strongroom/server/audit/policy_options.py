"""The settings of what is recorded: a Policy file, and whether use of Secrets always is."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from strongroom.server.argument_types import truth


@dataclass(frozen=True, slots=True)
class AuditPolicyOptions:
    """``audit_policy_file`` is None for everything at Metadata.

    With ``audit_secrets_always``, no policy keeps requests to Secrets from being recorded.
    """

    audit_policy_file: Path | None
    audit_secrets_always: bool


def add_audit_policy_options(parser: argparse.ArgumentParser) -> None:
    """Have a parser know them."""
    add = parser.add_argument_group("what is recorded in audit events").add_argument
    add(
        "--audit-policy-file",
        type=Path,
        metavar="FILE",
        help="audit.k8s.io/v1 Policy; without one everything is recorded, at level Metadata",
    )
    add(
        "--audit-secrets-always",
        type=truth,
        nargs="?",
        const=True,
        default=True,
        metavar="BOOL",
        help="whether requests to Secrets are recorded whatever the policy says (true)",
    )


def audit_policy_options(values: dict[str, Any]) -> AuditPolicyOptions:
    """Take the settings out of what was parsed."""
    own = {field.name: values.pop(field.name) for field in fields(AuditPolicyOptions)}
    return AuditPolicyOptions(**own)
