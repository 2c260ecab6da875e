"""Where others say the same: numbers of the CIS Kubernetes Benchmark and of OWASP's list.

CIS: section 5.1, "RBAC and Service Accounts", numbered the same since v1.8. OWASP: Kubernetes Top
Ten, edition of 2022.
"""

from __future__ import annotations

from dataclasses import dataclass

RBAC, AUTHENTICATION, SECRETS = "K03:2022", "K06:2022", "K08:2022"
"""Overly permissive RBAC; broken authentication; failures in the management of secrets."""

CLUSTER_ADMIN, READ_SECRETS, WILDCARDS, CREATE_PODS, DEFAULT_ACCOUNTS = (
    f"5.1.{number}" for number in (1, 2, 3, 4, 5)
)
BECOME_OTHERS, VOLUMES, NODE_PROXY, APPROVAL, WEBHOOKS, TOKENS = (
    f"5.1.{number}" for number in (8, 9, 10, 11, 12, 13)
)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Empty where a list has no number for it."""

    cis: str = ""
    owasp: str = RBAC

    def facts(self) -> dict[str, str]:
        """For programs."""
        return {"cis": self.cis, "owasp": self.owasp}

    def __str__(self) -> str:
        return f"CIS {self.cis}, OWASP {self.owasp}" if self.cis else f"OWASP {self.owasp}"
