"""The settings of what is told about Secrets, as a command line says them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from strongroom.server.options import parse_options
from strongroom.server.secret_options import SecretOptions


def test_what_holds_when_nothing_is_said() -> None:
    expected = SecretOptions(timedelta(minutes=1), True, timedelta(days=7))
    assert parse_options([]).secrets == expected


def test_everything_can_be_switched_off() -> None:
    off = ["--secret-usage-interval=0", "--secret-expiry-warning=0s", "--secret-metrics=false"]
    assert parse_options(off).secrets == SecretOptions(timedelta(), False, timedelta())


def test_days_and_fractions_are_understood() -> None:
    told = parse_options(["--secret-expiry-warning=1d12h", "--secret-usage-interval", "250ms"])
    assert told.secrets.secret_expiry_warning == timedelta(hours=36)
    assert told.secrets.secret_usage_interval == timedelta(milliseconds=250)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("--secret-usage-interval=soon", "expected a duration such as 90d, 12h or 1h30m, or 0"),
        ("--secret-expiry-warning=-1d", "expected a duration such as 90d, 12h or 1h30m, or 0"),
        ("--secret-metrics=perhaps", "expected true or false"),
    ],
)
def test_what_cannot_be_read_is_wrong_usage(
    setting: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_options([setting])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
