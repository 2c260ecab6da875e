"""What `strongroom up` refuses before it starts anything."""

import pytest
from click.testing import CliRunner

from strongroom.cli.main import main
from strongroom.cli.up import _last


@pytest.mark.parametrize(
    "arguments",
    [
        ["--audit-log-path", "-"],
        ["--audit-log-path=-"],
        ["--audit-log-path=/there", "--audit-log-path", "-", "--event-ttl", "1h"],
    ],
)
def test_events_do_not_go_where_the_ready_line_goes(arguments: list[str]) -> None:
    done = CliRunner().invoke(main, ["up", "--data-dir", "/nowhere", *arguments])
    assert done.exit_code == 2
    assert "standard output has the ready line and nothing else" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), ""),
        (("--event-ttl", "1h"), ""),
        (("--audit-log-path",), ""),
        (("--audit-log-path", "-", "--audit-log-path=/there"), "/there"),
    ],
)
def test_the_last_word_counts(arguments: tuple[str, ...], said: str) -> None:
    assert _last(arguments, "--audit-log-path") == said
