"""What the system's own components may do, before roles and bindings are objects of the API.

Each list is what its upstream ClusterRole grants (``bootstrappolicy/policy.go``), cut down to the
kinds that strongroom serves. Upstream ties what a node reads and writes to the pods bound to it;
here writes are tied so by :mod:`strongroom.access.admission.noderestriction`.
"""

from __future__ import annotations

from strongroom.access.authz.rules import Rule, RuleTable
from strongroom.access.user import ANONYMOUS, AUTHENTICATED, NODES, UNAUTHENTICATED

READ = ("get", "list", "watch")
COORDINATION = ("coordination.k8s.io",)
CERTIFICATES = ("certificates.k8s.io",)
BOOTSTRAPPERS = "system:bootstrappers"
CERTIFICATE_REQUESTER = Rule(
    ("create", "get", "list", "watch"), CERTIFICATES, ("certificatesigningrequests",)
)
EVENT_WRITER = Rule(("create", "patch", "update"), ("",), ("events",))

PUBLIC_INFO = (Rule(("get",), paths=("/healthz", "/livez", "/readyz", "/version", "/version/")),)

BASIC_USER = (Rule(("create",), ("authentication.k8s.io",), ("selfsubjectreviews",)),)

CLUSTER_INFO = (Rule(("get",), ("",), ("configmaps",), ("cluster-info",), ("kube-public",)),)

ISSUER_DISCOVERY = (
    Rule(("get",), paths=("/.well-known/openid-configuration", "/openid/v1/jwks")),
)

DISCOVERY = (
    Rule(
        ("get",),
        paths=(
            "/api",
            "/api/*",
            "/apis",
            "/apis/*",
            "/healthz",
            "/livez",
            "/readyz",
            "/openapi",
            "/openapi/*",
            "/version",
            "/version/",
        ),
    ),
)

NODE = (
    Rule(("create", "get", "list", "watch"), ("",), ("nodes",)),
    Rule(("patch", "update"), ("",), ("nodes", "nodes/status")),
    EVENT_WRITER,
    Rule((*READ, "create", "delete"), ("",), ("pods",)),
    Rule(("patch", "update"), ("",), ("pods/status",)),
    Rule(READ, ("",), ("secrets", "configmaps", "services")),
    Rule(
        ("get", "create", "update", "patch", "delete"),
        COORDINATION,
        ("leases",),
        namespaces=("kube-node-lease",),
    ),
    Rule(("get",), ("",), ("namespaces",)),
    Rule(("create",), ("",), ("serviceaccounts/token",)),
    CERTIFICATE_REQUESTER,
)

SCHEDULER = (
    EVENT_WRITER,
    Rule(READ, ("",), ("nodes", "namespaces")),
    Rule((*READ, "delete"), ("",), ("pods",)),
    Rule(("create",), ("",), ("bindings", "pods/binding")),
    Rule(("patch", "update"), ("",), ("pods/status",)),
    Rule(("create", "get", "list", "watch", "update", "patch"), COORDINATION, ("leases",)),
)

CONTROLLER_MANAGER = (
    EVENT_WRITER,
    # Deletion knows no kinds: what is owned, or is in a namespace, may be of any. The controllers
    # ask for metadata only, which an authorizer is not told of.
    Rule((*READ, "patch", "delete", "deletecollection"), ("*",), ("*",), whole=True),
    Rule(
        ("patch", "update"),
        ("",),
        ("namespaces/finalize", "namespaces/status", "nodes/status", "pods/status"),
    ),
    Rule(("update",), ("",), ("resourcequotas/status",)),
    Rule(("create",), ("",), ("pods/binding",)),
    Rule(("create",), ("",), ("serviceaccounts",)),
    Rule(("create", "update"), ("",), ("configmaps",)),
    Rule(
        ("update",),
        CERTIFICATES,
        ("certificatesigningrequests/approval", "certificatesigningrequests/status"),
    ),
    Rule(("approve", "sign"), CERTIFICATES, ("signers",)),
    Rule(("create",), ("authorization.k8s.io",), ("subjectaccessreviews",)),
    Rule(("get",), paths=("/metrics",)),
)

COMPONENTS = RuleTable(
    users={
        ANONYMOUS: CLUSTER_INFO,
        "system:kube-scheduler": SCHEDULER,
        "system:kube-controller-manager": CONTROLLER_MANAGER,
    },
    groups={
        NODES: NODE,
        "system:serviceaccounts": ISSUER_DISCOVERY,
        BOOTSTRAPPERS: (CERTIFICATE_REQUESTER,),
        AUTHENTICATED: DISCOVERY + BASIC_USER,
        UNAUTHENTICATED: PUBLIC_INFO,
    },
)
