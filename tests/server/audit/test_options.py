"""The settings of audit: upstream's names and defaults, and what is refused."""

from pathlib import Path

import pytest

from strongroom.server.audit.options import AuditOptions, BatchOptions
from strongroom.server.options import parse_options


def parsed(*arguments: str) -> AuditOptions:
    return parse_options(["--data-dir", "/room", *arguments]).audit


def test_the_defaults_are_upstreams() -> None:
    options = parsed()
    log, webhook = options.log, options.webhook
    assert (log.path, log.mode) == ("/room/audit/audit.log", "blocking")
    assert (log.maxsize, log.maxage, log.maxbackup, log.compress) == (100, 366, 100, False)
    assert log.batch == BatchOptions(10_000, 1, 0.0, False, 0.0, 0)
    assert (webhook.config_file, webhook.mode, webhook.initial_backoff) == (None, "batch", 10.0)
    assert webhook.batch == BatchOptions(10_000, 400, 30.0, True, 10.0, 15)
    assert (log.truncate.max_batch_size, log.truncate.max_event_size) == (10 << 20, 100 << 10)
    assert not log.truncate.enabled


def test_what_is_given_counts() -> None:
    options = parsed(
        *("--audit-log-path", "-"),
        *("--audit-log-maxsize", "0"),
        *("--audit-log-chain=false",),
        *("--audit-webhook-config-file", "/hook.kubeconfig"),
        *("--audit-webhook-batch-max-wait", "500ms"),
        *("--audit-webhook-batch-throttle-qps", "2.5"),
    )
    assert (options.log.path, options.log.maxsize, options.log.chain) == ("-", 0, False)
    assert options.webhook.config_file == Path("/hook.kubeconfig")
    assert (options.webhook.batch.max_wait, options.webhook.batch.throttle_qps) == (0.5, 2.5)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--audit-log-mode", "sometimes"), "invalid choice: 'sometimes'"),
        (("--audit-log-maxage", "-1"), "expected a number of 0 or more"),
        (("--audit-webhook-batch-max-size", "0"), "batch-max-size must be more than 0"),
        (("--audit-webhook-batch-throttle-burst", "0"), "throttle-burst must be more than 0"),
        (("--audit-webhook-batch-throttle-qps", "many"), "expected a number of 0 or more"),
        (("--audit-log-batch-max-wait", "soon"), "expected a duration such as 30s, or 0"),
        (("--audit-log-truncate-max-event-size", "0"), "expected a number of 1 or more"),
        (("--audit-log-truncate-max-batch-size", "9"), "must not be less than"),
    ],
)
def test_nonsense_is_refused(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parsed(*arguments)
    assert told in capsys.readouterr().err


def test_what_is_not_used_may_be_nonsense() -> None:
    found = parsed("--audit-webhook-mode", "blocking", "--audit-webhook-batch-max-size", "0")
    assert found.webhook.config_file is None
