"""Policy files: what upstream takes is taken, what it refuses is refused in its words."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from strongroom.api.configuration import BadConfiguration
from strongroom.server.audit.policy_file import load_policy, read_policy
from strongroom.server.reloading import BadFile

ROOT = Path(__file__).parents[3]
STAGES = "RequestReceived,ResponseStarted,ResponseComplete,Panic"


def policy(*rules: dict[str, Any], **fields: Any) -> bytes:
    tree = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules, **fields}
    return msgspec.json.encode(tree)


def test_the_example_is_read() -> None:
    read = load_policy(ROOT / "examples" / "audit" / "policy.yaml")
    assert read.omitStages == ["RequestReceived"]
    assert read.rules[-1].level == "Metadata"


WRONG: list[tuple[bytes, str]] = [
    (policy(), "loaded illegal policy with 0 rules"),
    (policy({}), "rules[0].level: Required value"),
    (
        policy({"level": "None"}, {"level": "All"}),
        (
            'rules[1].level: Unsupported value: "All": supported values: "None", "Metadata", '
            '"Request", "RequestResponse"'
        ),
    ),
    (
        policy({"level": "None", "nonResourceURLs": ["x"]}),
        (
            'rules[0].nonResourceURLs[0]: Invalid value: "x": non-resource URL rules must begin '
            "with a '/' character"
        ),
    ),
    (
        policy({"level": "None", "nonResourceURLs": ["*", "/a*b"]}),
        (
            'rules[0].nonResourceURLs[1]: Invalid value: "/a*b": non-resource URL wildcards '
            "'*' must be the final character of the rule"
        ),
    ),
    (
        policy({"level": "None", "nonResourceURLs": ["/a"], "namespaces": ["b"]}),
        (
            'rules[0].nonResourceURLs: Invalid value: ["/a"]: rules cannot apply to both regular '
            "resources and non-resource URLs"
        ),
    ),
    (
        policy({"level": "None", "resources": [{"resourceNames": ["a"]}]}),
        (
            'rules[0].resources.resourceNames: Invalid value: ["a"]: using resourceNames requires '
            "at least one resource"
        ),
    ),
    (
        policy({"level": "None", "omitStages": ["Sometimes"]}),
        f'rules[0].omitStages[0]: Invalid value: "Sometimes": allowed stages are {STAGES}',
    ),
    (
        policy({"level": "None"}, omitStages=["Never"]),
        f'omitStages[0]: Invalid value: "Never": allowed stages are {STAGES}',
    ),
    (
        policy({"level": ""}, {"level": ""}),
        "[rules[0].level: Required value, rules[1].level: Required value]",
    ),
    (
        policy({"level": "None", "resource": ["secrets"]}),
        'failed decoding: strict decoding error: unknown field "rules[0].resource"',
    ),
    (b"kind: Policy\nrules: []", "failed decoding: Object 'apiVersion' is missing"),
    (b"apiVersion: audit.k8s.io/v1", "failed decoding: Object 'Kind' is missing"),
    (b"[]", "failed decoding: couldn't get version/kind; expected Policy"),
    (b"{", "failed decoding: yaml: line 1: did not find expected node content"),
]


@pytest.mark.parametrize(("content", "message"), WRONG)
def test_what_is_wrong_is_told_in_upstreams_words(content: bytes, message: str) -> None:
    with pytest.raises(BadConfiguration) as raised:
        read_policy(content)
    assert str(raised.value) == message


@pytest.mark.parametrize("group", ["rbac.authorization.k8s.io/v1beta1", "Apps", "a_b"])
def test_a_group_has_no_version(group: str) -> None:
    with pytest.raises(BadConfiguration, match=r"^rules\[0\]\.resources\.group: Invalid value: "):
        read_policy(policy({"level": "None", "resources": [{"group": group}]}))


def test_other_kinds_and_versions_are_refused() -> None:
    for version, kind in (("audit.k8s.io/v1beta1", "Policy"), ("audit.k8s.io/v1", "Event")):
        with pytest.raises(BadConfiguration, match=f'no kind "{kind}" is registered'):
            read_policy(policy({"level": "None"}, apiVersion=version, kind=kind))


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "policy"
    with pytest.raises(BadFile, match=r"failed to read file path .*: No such file"):
        load_policy(path)
    path.write_bytes(policy())
    with pytest.raises(BadFile, match=f"0 rules: from file {path}$"):
        load_policy(path)


def test_a_key_that_is_there_twice_is_refused() -> None:
    twice = b"apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: None\n  level: Metadata\n"
    with pytest.raises(BadConfiguration, match="already set"):
        read_policy(twice)
