"""Metrics: what they count under, and that nobody can make them grow."""

import pytest

from strongroom.resources.catalog import CATALOG
from strongroom.server.metrics import Metrics
from strongroom.server.urls import parse_target


def _lines(metrics: Metrics) -> set[str]:
    text = metrics.render().decode()
    return {line for line in text.splitlines() if line.startswith("apiserver_request_total{")}


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/chosen",
        "/apis/chosen/v1/secrets",
        "/api/chosen/secrets",
        "/api/v1/namespaces/a/secrets/b/chosen",
        "/chosen",
        "/api/v1/secrets?dryRun=chosen",
    ],
)
def test_a_clients_own_words_do_not_become_labels(path: str) -> None:
    metrics = Metrics(CATALOG.all())
    before, _, query = path.partition("?")
    metrics.tally(parse_target("GET", before.encode(), query.encode())).finished(401, 0.1)
    assert len(_lines(metrics)) == 1
    assert "chosen" not in metrics.render().decode()


def test_served_kinds_and_their_parts_do() -> None:
    metrics = Metrics(CATALOG.all())
    for path in ("/api/v1/namespaces/a/pods/b/log", "/api/v1/namespaces/a/pods/b/status"):
        metrics.tally(parse_target("GET", path.encode(), b"")).finished(200, 0.1)
    text = "".join(sorted(_lines(metrics)))
    assert 'resource="pods"' in text
    assert 'subresource="log"' in text
    assert 'subresource="status"' in text


def test_durations_are_counted_where_they_belong() -> None:
    metrics = Metrics(CATALOG.all())
    target = parse_target("GET", b"/api/v1/secrets", b"")
    for seconds in (0.001, 0.005, 0.0051, 0.3, 60, 61):
        metrics.tally(target).finished(200, seconds)
    metrics.tally(target).ended(200)
    found = {}
    for line in metrics.render().decode().splitlines():
        if line.startswith("apiserver_request_duration_seconds_bucket"):
            found[line.partition('le="')[2].partition('"')[0]] = float(line.rpartition(" ")[2])
    assert [found[b] for b in ("0.005", "0.025", "0.2", "0.4", "60.0", "+Inf")] == [
        2,
        3,
        3,
        4,
        5,
        6,
    ]
    (line,) = _lines(metrics)
    assert line.endswith(" 7.0")


def test_kinds_that_come_are_counted_by_name() -> None:
    metrics = Metrics()
    target = parse_target("GET", b"/api/v1/secrets", b"")
    metrics.tally(target).finished(200, 0.1)
    metrics.serve(CATALOG.all())
    metrics.tally(target).finished(200, 0.1)
    assert sorted('resource="secrets"' in line for line in _lines(metrics)) == [False, True]
