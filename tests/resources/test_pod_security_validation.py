"""Security settings, with upstream's exact messages."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.pod import PODS
from tests.resources.making import pod, texts

_ID = "must be between 0 and 2147483647, inclusive"


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"fsGroup": -1}, f"fsGroup: Invalid value: -1: {_ID}"),
        (
            {"supplementalGroups": [1, 2**31]},
            f"supplementalGroups[1]: Invalid value: 2147483648: {_ID}",
        ),
        (
            {"fsGroupChangePolicy": "x"},
            (
                'fsGroupChangePolicy: Unsupported value: "x": '
                'supported values: "Always", "OnRootMismatch"'
            ),
        ),
        ({"sysctls": [{"name": ""}]}, "sysctls[0].name: Required value"),
        (
            {"sysctls": [{"name": "a.b"}, {"name": "a.b"}]},
            'sysctls[1].name: Duplicate value: "a.b"',
        ),
        (
            {"seccompProfile": {}},
            "seccompProfile.type: Required value: type is required when seccompProfile is set",
        ),
        (
            {"seccompProfile": {"type": "Unconfined", "localhostProfile": "p"}},
            (
                "seccompProfile.localhostProfile: Invalid value: "
                '{"type":"Unconfined","localhostProfile":"p"}: '
                "can only be set when seccomp type is Localhost"
            ),
        ),
        (
            {"appArmorProfile": {"type": "x"}},
            (
                'appArmorProfile.type: Unsupported value: "x": '
                'supported values: "Localhost", "RuntimeDefault", "Unconfined"'
            ),
        ),
        (
            {"appArmorProfile": {"type": "Localhost", "localhostProfile": " p"}},
            (
                'appArmorProfile.localhostProfile: Invalid value: " p": '
                "must not be padded with whitespace"
            ),
        ),
        (
            {"appArmorProfile": {"type": "Localhost"}},
            (
                "appArmorProfile.localhostProfile: Required value: "
                "must be set when AppArmor type is Localhost"
            ),
        ),
    ],
)
def test_of_a_pod(context: dict[str, Any], message: str) -> None:
    errors = texts(PODS.validate(pod(securityContext=context)))
    assert errors == [f"spec.securityContext.{message}"]


def test_of_a_container_that_asks_for_and_against_privileges() -> None:
    context = {"privileged": True, "allowPrivilegeEscalation": False}
    assert texts(PODS.validate(pod({"securityContext": context}))) == [
        (
            "spec.containers[0].securityContext: Invalid value: "
            '{"privileged":true,"allowPrivilegeEscalation":false}: '
            "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        )
    ]


def test_an_unmasked_proc_needs_a_user_namespace() -> None:
    context = {"securityContext": {"procMount": "Unmasked"}}
    assert texts(PODS.validate(pod(context))) == [
        (
            'spec.containers[0].securityContext.procMount: Invalid value: "Unmasked": '
            "`hostUsers` must be false to use `Unmasked`"
        )
    ]
    assert PODS.validate(pod(context, hostUsers=False)) == []
