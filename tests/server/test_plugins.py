"""Admission plugins by name: which there are, and switching them."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.api.clock import SystemClock
from strongroom.server.admission import AdmissionParts
from strongroom.server.options import parse_options
from strongroom.server.plugins import OURS, UPSTREAM_ONLY
from tests.server.conftest import running

_ALWAYS = {
    "AlertAcknowledgement",
    "PodCertificateRequestSigning",
    "SecretSharing",
    "ValidatingAdmissionPolicyParams",
}
"""Guard signing, and the writing of grants, policies and acknowledgements: upstream has such
checks in registries, where nobody switches them off."""


class Nobody:
    """An authorizer that is never asked."""


def plugins(*disabled: str) -> list[str]:
    parts = AdmissionParts(SystemClock(), Nobody(), frozenset(disabled))  # type: ignore[arg-type]  # not asked
    return [plugin.name for plugin in parts.plugins]


def test_the_names_are_those_of_the_plugins() -> None:
    """A plugin that is added must be named, so that it can be switched off."""
    assert set(plugins()) == OURS | _ALWAYS
    assert not OURS & UPSTREAM_ONLY


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_can_be_switched_off(name: str) -> None:
    assert set(plugins(name)) == OURS - {name} | _ALWAYS


def test_the_order_is_upstreams() -> None:
    order = plugins()
    first = ["NamespaceLifecycle", "LimitRanger", "ServiceAccount", "NodeRestriction", "Priority"]
    assert [name for name in order if name in first] == first
    assert order[-1] == "ResourceQuota"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ["--enable-admission-plugins=ServiceAcount"],
            'enable-admission-plugins plugin "ServiceAcount" is unknown',
        ),
        (
            ["--disable-admission-plugins", "Priority,X"],
            'disable-admission-plugins plugin "X" is unknown',
        ),
        (
            ["--enable-admission-plugins=Priority", "--disable-admission-plugins=Priority"],
            "[Priority] in enable-admission-plugins and disable-admission-plugins overlapped",
        ),
        (
            ["--enable-admission-plugins=AlwaysPullImages"],
            "strongroom has no admission plugin AlwaysPullImages",
        ),
    ],
)
def test_wrong_usage(arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        parse_options(arguments)
    assert raised.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: {why}\n")


def test_what_is_disabled() -> None:
    given = ["--disable-admission-plugins=ServiceAccount,PodSecurity"]
    given += ["--disable-admission-plugins=Priority", "--enable-admission-plugins=LimitRanger"]
    told = parse_options(given).disabled_plugins
    assert told == {"ServiceAccount", "PodSecurity", "Priority"}
    assert parse_options([]).disabled_plugins == frozenset()


async def test_pods_on_a_server_as_it_is_by_default(tmp_path: Path) -> None:
    """The account is looked for, its token's volume is stored, and a Secret not its own refused."""
    path = "/api/v1/namespaces/default"
    spec = {"containers": [{"name": "c", "image": "i"}]}
    async with running(tmp_path, accounts=True) as api:
        mine = {**spec, "serviceAccountName": "mine"}
        body = {"metadata": {"name": "p"}, "spec": mine}
        refused = await api.ask("POST", f"{path}/pods", body)
        assert (refused.code, refused.json["message"]) == (
            403,
            (
                'pods "p" is forbidden: error looking up service account default/mine: '
                'serviceaccount "mine" not found'
            ),
        )
        annotations = {"kubernetes.io/enforce-mountable-secrets": "true"}
        account = {"metadata": {"name": "mine", "annotations": annotations}}
        made = await api.ask("POST", f"{path}/serviceaccounts", account)
        assert "deprecated in v1.32+" in made.headers["Warning"]
        stored = (await api.ask("POST", f"{path}/pods", body)).json["spec"]
        assert stored["volumes"][0]["projected"]["defaultMode"] == 420
        mount = stored["containers"][0]["volumeMounts"][0]
        assert mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"
        body = {"metadata": {"name": "q"}, "spec": {**mine, "imagePullSecrets": [{"name": "s"}]}}
        refused = await api.ask("POST", f"{path}/pods", body)
        assert (refused.code, "imagePullSecrets[0]" in refused.json["message"]) == (403, True)
