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
    metrics.finished(parse_target("GET", before.encode(), query.encode()), 401, 0.1)
    assert len(_lines(metrics)) == 1
    assert "chosen" not in metrics.render().decode()


def test_served_kinds_and_their_parts_do() -> None:
    metrics = Metrics(CATALOG.all())
    for path in ("/api/v1/namespaces/a/pods/b/log", "/api/v1/namespaces/a/pods/b/status"):
        metrics.finished(parse_target("GET", path.encode(), b""), 200, 0.1)
    text = "".join(sorted(_lines(metrics)))
    assert 'resource="pods"' in text
    assert 'subresource="log"' in text
    assert 'subresource="status"' in text
