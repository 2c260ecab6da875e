"""RBAC written down a second time, as plainly as it can be: no index, nothing kept, no shared code.

Works on trees as JSON has them. ``cluster`` maps ``(kind, namespace, name)`` to an object's tree.
"""

from __future__ import annotations

from typing import Any

Cluster = dict[tuple[str, str, str], dict[str, Any]]


def evaluate(cluster: Cluster, ask: dict[str, Any]) -> tuple[bool, str]:
    """Whether a question is answered yes, and why, or which roles are not there."""
    missing = []
    for (kind, namespace, name), binding in sorted(cluster.items()):
        if kind == "RoleBinding" and (namespace != ask["namespace"] or not namespace):
            continue
        if kind not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        subject = _first_subject(binding, namespace, ask)
        if subject is None:
            continue
        ref = binding["roleRef"]
        where = namespace if ref["kind"] == "Role" else ""
        role = cluster.get((ref["kind"], where, ref["name"]))
        if role is None:
            text = f'{ref["kind"].lower()}.rbac.authorization.k8s.io "{ref["name"]}" not found'
            if text not in missing:
                missing.append(text)
            continue
        for rule in role["rules"]:
            if _allows(rule, ask):
                full = f"{name}/{namespace}" if namespace else name
                to = _words(subject, namespace)
                source = f'{kind} "{full}" of {ref["kind"]} "{ref["name"]}" to {to}'
                return True, f"RBAC: allowed by {source}"
    if not missing:
        return False, ""
    return False, f"RBAC: {missing[0] if len(missing) == 1 else '[' + ', '.join(missing) + ']'}"


def _first_subject(
    binding: dict[str, Any], namespace: str, ask: dict[str, Any]
) -> dict[str, Any] | None:
    for subject in binding["subjects"]:
        if subject["kind"] == "User" and subject["name"] == ask["user"]:
            return dict(subject)
        if subject["kind"] == "Group" and subject["name"] in ask["groups"]:
            return dict(subject)
        if subject["kind"] == "ServiceAccount":
            where = subject.get("namespace") or namespace
            if where and ask["user"] == "system:serviceaccount:" + where + ":" + subject["name"]:
                return dict(subject)
    return None


def _words(subject: dict[str, Any], namespace: str) -> str:
    name = subject["name"]
    if subject["kind"] == "ServiceAccount":
        name += "/" + (subject.get("namespace") or namespace)
    return f'{subject["kind"]} "{name}"'


def _allows(rule: dict[str, Any], ask: dict[str, Any]) -> bool:
    if ask["verb"] not in rule["verbs"] and "*" not in rule["verbs"]:
        return False
    if ask["path"]:
        return any(_on_path(path, ask["path"]) for path in rule.get("nonResourceURLs", []))
    groups, names = rule.get("apiGroups", []), rule.get("resourceNames", [])
    if ask["group"] not in groups and "*" not in groups:
        return False
    if names and ask["name"] not in names:
        return False
    return any(_on_resource(resource, ask) for resource in rule.get("resources", []))


def _on_path(path: str, asked: str) -> bool:
    return path == asked or (path.endswith("*") and asked.startswith(path[:-1]))


def _on_resource(resource: str, ask: dict[str, Any]) -> bool:
    if resource == "*":
        return True
    if ask["subresource"]:
        named = ask["resource"] + "/" + ask["subresource"]
        return resource in (named, "*/" + ask["subresource"])
    return bool(resource == ask["resource"])
