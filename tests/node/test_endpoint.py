"""Who may read logs, and how a log request is understood."""

from __future__ import annotations

import pytest

from strongroom.api.times import parse_time
from strongroom.node.endpoint import BadLogRequest, admits, log_options
from strongroom.node.runtimes.port import LogOptions


def certificate(name: str, *groups: str) -> dict[str, object]:
    """A client certificate as the ssl module tells it."""
    subject = [(("organizationName", group),) for group in groups]
    return {"subject": (*subject, (("commonName", name),))}


def test_only_the_api_server_is_let_in() -> None:
    assert admits(certificate("kube-apiserver-kubelet-client"))
    assert admits(certificate("anybody", "system:masters"))
    assert not admits(certificate("system:node:x", "system:nodes"))
    assert not admits({})
    assert not admits({"subject": "kube-apiserver-kubelet-client"})


def test_every_option_is_read() -> None:
    query = {
        "follow": "true",
        "previous": "1",
        "timestamps": "true",
        "tailLines": "5",
        "sinceSeconds": "60",
        "sinceTime": "2026-01-01T00:00:00Z",
        "limitBytes": "100",
        "stream": "Stderr",
    }
    options, previous = log_options(query)
    assert previous
    assert options == LogOptions(
        follow=True,
        tail_lines=5,
        since_seconds=60,
        since_time=parse_time("2026-01-01T00:00:00Z"),
        limit_bytes=100,
        timestamps=True,
        stream="stderr",
    )


def test_nothing_given_is_everything() -> None:
    assert log_options({}) == (LogOptions(), False)


@pytest.mark.parametrize(
    "query",
    [{"tailLines": "-1"}, {"tailLines": "x"}, {"limitBytes": "0"}, {"sinceTime": "yesterday"}],
)
def test_nonsense_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadLogRequest) as caught:
        log_options(query)
    assert caught.value.status == 400
