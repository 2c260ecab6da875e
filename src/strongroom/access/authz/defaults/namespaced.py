"""Roles of the system's namespaces."""

from __future__ import annotations

from strongroom.access.authz.defaults.components import CONTROLLER_MANAGER, SCHEDULER
from strongroom.access.authz.defaults.words import EVENTS, READ, accounts, can, role, users, within

_SYSTEM, _PUBLIC = "kube-system", "kube-public"
_SIGNER, _CLEANER = "system:controller:bootstrap-signer", "system:controller:token-cleaner"
_CLOUD = "system:controller:cloud-provider"
_READER = "extension-apiserver-authentication-reader"
_LOCKING = "system::leader-locking-"

ROLES = (
    role(_SYSTEM, _READER, can(READ, "configmaps", names="extension-apiserver-authentication")),
    role(_SYSTEM, _SIGNER, can(READ, "secrets")),
    role(_SYSTEM, _CLOUD, can(f"create {READ}", "configmaps")),
    role(_SYSTEM, _CLEANER, can(f"{READ} delete", "secrets"), EVENTS),
    *(
        role(
            _SYSTEM,
            _LOCKING + name,
            can("watch", "configmaps"),
            can("get update", "configmaps", names=name),
        )
        for name in ("kube-controller-manager", "kube-scheduler")
    ),
    role(
        _PUBLIC,
        _SIGNER,
        can(READ, "configmaps"),
        can("update", "configmaps", names="cluster-info"),
        EVENTS,
    ),
)

BINDINGS = (
    within(_SYSTEM, f"system::{_READER}", *users(CONTROLLER_MANAGER, SCHEDULER), of=_READER),
    within(
        _SYSTEM,
        f"{_LOCKING}kube-controller-manager",
        *users(CONTROLLER_MANAGER),
        *accounts("kube-controller-manager"),
    ),
    within(_SYSTEM, f"{_LOCKING}kube-scheduler", *users(SCHEDULER), *accounts("kube-scheduler")),
    within(_SYSTEM, _SIGNER, *accounts("bootstrap-signer")),
    within(_SYSTEM, _CLOUD, *accounts("cloud-provider")),
    within(_SYSTEM, _CLEANER, *accounts("token-cleaner")),
    within(_PUBLIC, _SIGNER, *accounts("bootstrap-signer")),
)
