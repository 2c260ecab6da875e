"""Who decides: ``--authorization-mode``, as a line is read and as requests are judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.access.authz.modes import mode_error
from strongroom.server.options import parse_options
from tests.server.conftest import SECRETS, running

JANE = {"Impersonate-User": "jane"}
RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"


@pytest.mark.parametrize(
    ("modes", "error"),
    [
        ("Node,RBAC", ""),
        ("AlwaysDeny", ""),
        ("Webhook,RBAC", ""),
        ("ABAC", "strongroom has no authorization mode ABAC"),
        ("Robac", 'authorization-mode "Robac" is not a valid mode'),
        ("RBAC,Node,RBAC", 'authorization-mode "RBAC" is repeated'),
    ],
)
def test_modes(modes: str, error: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert mode_error(modes.split(",")) == error
    given = [f"--authorization-mode={modes}"]
    if "Webhook" in modes:
        given.append("--authorization-webhook-config-file=/hook.kubeconfig")
    if not error:
        assert parse_options(given).authorization.authorization_mode == tuple(modes.split(","))
        return
    with pytest.raises(SystemExit):
        parse_options(given)
    assert error in capsys.readouterr().err


def test_the_default_mode() -> None:
    assert parse_options([]).authorization.authorization_mode == ("Node", "RBAC")
    assert mode_error([]) == "authorization-mode must contain at least one mode"


async def test_everything_is_allowed(tmp_path: Path) -> None:
    async with running(tmp_path, "--authorization-mode=AlwaysAllow") as api:
        assert (await api.ask("GET", SECRETS, headers=JANE)).code == 200
        asked = {"spec": {"namespace": "default"}}
        held = (await api.ask("POST", RULES, asked, headers=JANE)).json["status"]
        anything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
        assert held["resourceRules"] == [anything]


async def test_everything_is_forbidden(tmp_path: Path) -> None:
    async with running(tmp_path, "--authorization-mode=AlwaysDeny") as api:
        refused = await api.ask("GET", SECRETS, headers=JANE)
        assert refused.code == 403
        assert refused.json["message"].endswith(
            'in the namespace "default": alwaysdeny: Everything is forbidden.'
        )
        # Administrators are not shut out, as upstream.
        assert (await api.ask("GET", SECRETS)).code == 200
