"""`strongroom audit query`: what it finds, in which files, in which form."""

import gzip
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from strongroom.cli.audit.matching import Matcher, Wanted, parse_moment
from strongroom.cli.main import main


def an_event(number: int, verb: str, path: str, user: str = "jane", **more: Any) -> dict[str, Any]:
    """An event about a path ``[NS/]RESOURCE[/NAME]``."""
    *namespace, resource, name = path.split("/")
    reference = {"resource": resource, "name": name, "namespace": "".join(namespace)}
    return {
        "kind": "Event",
        "level": "Metadata",
        "auditID": str(number),
        "stage": "ResponseComplete",
        "requestURI": "/u",
        "verb": verb,
        "user": {"username": user},
        "sourceIPs": ["192.0.2.1"],
        "objectRef": {key: value for key, value in reference.items() if value},
        "responseStatus": {"code": 200},
        "stageTimestamp": f"2026-01-01T00:00:{number:02}.000000Z",
    } | more


EVENTS = [
    an_event(1, "get", "shop/secrets/db", annotations={"secrets.strongroom.io/values": "1"}),
    an_event(2, "get", "shop/secrets/other"),
    an_event(3, "get", "bank/secrets/db"),
    an_event(4, "list", "shop/secrets/", "ops", annotations={"secrets.strongroom.io/values": "9"}),
    an_event(5, "list", "bank/secrets/", "ops"),
    an_event(6, "list", "secrets/", "ops", annotations={"secrets.strongroom.io/values": "0"}),
    an_event(
        7,
        "watch",
        "shop/secrets/",
        "node",
        stage="ResponseStarted",
        requestURI="/u?fieldSelector=metadata.name%3Ddb&watch=true",
    ),
    an_event(8, "watch", "shop/secrets/", requestURI="/u?fieldSelector=metadata.name%3Dother"),
    an_event(9, "get", "shop/secrets/db", responseStatus={"code": 403}, sourceIPs=["2001:db8::7"]),
    an_event(10, "get", "shop/configmaps/db"),
    an_event(11, "get", "shop/secrets/db", stage="RequestReceived"),
    an_event(12, "update", "shop/secrets/db", impersonatedUser={"username": "joe"}),
    an_event(13, "create", "shop/secrets/", "ops"),
    {
        **an_event(14, "get", "shop/secretrevisions/db.3"),
        "objectRef": {
            "apiGroup": "strongroom.io",
            "resource": "secretrevisions",
            "namespace": "shop",
            "name": "db.3",
        },
    },
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The log: its first events in a compressed file, the next in a rotated one."""
    lines = [json.dumps(event, separators=(",", ":")).encode() + b"\n" for event in EVENTS]
    stem = tmp_path / "audit-2026-01-01T00-00"
    Path(f"{stem}-04.000.log.gz").write_bytes(gzip.compress(b"".join(lines[:4])))
    Path(f"{stem}-08.000.log").write_bytes(b"".join(lines[4:8]))
    path = tmp_path / "audit.log"
    path.write_bytes(b"".join(lines[8:]) + b'{"unfinished')
    return path


def query(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["audit", "query", "--log", str(path), *arguments])


def numbers(path: Path, *arguments: str) -> list[int]:
    done = query(path, "-o", "json", *arguments)
    assert done.exit_code == 0, done.output
    return [int(json.loads(line)["auditID"]) for line in done.output.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14]),
        ("--secret shop/db", [1, 4, 6, 7, 9, 12, 14]),
        ("--secret shop/db --values", [1, 4]),
        ("--secret shop/", [1, 2, 4, 6, 7, 8, 9, 12, 13, 14]),
        ("--secret nowhere/db", [6]),
        ("--user ops", [4, 5, 6, 13]),
        ("--user joe", [12]),
        ("--user ops --user node", [4, 5, 6, 7, 13]),
        ("--id 3 --id 12 --id 99", [3, 12]),
        ("--verb watch --verb update", [7, 8, 12]),
        ("--denied", [9]),
        ("--source 192.0.2.1 --verb get", [1, 2, 3, 10, 14]),
        ("--source 2001:db8::/32", [9]),
        ("--since 2026-01-01T00:00:12Z", [12, 13, 14]),
        ("--until 2026-01-01T00:00:02Z", [1, 2]),
        ("--since 2026-01-01T00:00:08 --until 2026-01-01T00:00:09Z", [8, 9]),
        ("--since 5m", []),
    ],
)
def test_what_is_asked_for_is_found(path: Path, arguments: str, found: list[int]) -> None:
    assert numbers(path, *arguments.split()) == found


@pytest.mark.parametrize(
    "selector",
    [
        "fieldSelector=&fieldSelector=metadata.name%3Dother",
        "fieldSelector=type%21%3Da%5C,metadata.name%3Dother",
        "fieldSelector=metadata.name%21%3Dx&fieldSelector=metadata.name%3Dother",
    ],
)
def test_no_selector_hides_a_list_of_all(tmp_path: Path, selector: str) -> None:
    log = tmp_path / "audit.log"
    uri = f"/api/v1/namespaces/shop/secrets?{selector}"
    event = an_event(1, "list", "shop/secrets/", requestURI=uri)
    log.write_text(json.dumps(event, separators=(",", ":")) + "\n")
    assert "list" in query(log, "--secret", "shop/db").output


def test_a_table_tells_who_and_as_whom(path: Path) -> None:
    done = query(path, "--secret", "shop/db", "--since", "2026-01-01T00:00:06Z")
    rows = [re.sub(" {3,}", " | ", line) for line in done.output.splitlines()]
    assert rows == [
        "TIME | USER | VERB | OBJECT | CODE | SOURCE | VALUES",
        "2026-01-01T00:00:06Z | ops | list | secrets * | 200 | 192.0.2.1 | 0",
        "2026-01-01T00:00:07Z | node | watch (begins) | secrets shop/* | 200 | 192.0.2.1 | -",
        "2026-01-01T00:00:09Z | jane | get | secrets shop/db | 403 | 2001:db8::7 | -",
        "2026-01-01T00:00:12Z | jane as joe | update | secrets shop/db | 200 | 192.0.2.1 | -",
        "2026-01-01T00:00:14Z | jane | get | secretrevisions shop/db.3 | 200 | 192.0.2.1 | -",
    ]


def test_yaml_is_one_document_an_event(path: Path) -> None:
    done = query(path, "--secret", "shop/db", "--values", "-o", "yaml")
    assert list(yaml.safe_load_all(done.output)) == [EVENTS[0], EVENTS[3]]


def test_what_is_no_event_is_passed_over(path: Path) -> None:
    path.write_bytes(b'nonsense\n{"verb":1}\n{"verb":"\xff"}\n' + path.read_bytes())
    assert numbers(path, "--denied") == [9]


def test_a_damaged_file_is_told_of(path: Path) -> None:
    packed = path.with_name("audit-2026-01-01T00-00-04.000.log.gz")
    packed.write_bytes(packed.read_bytes()[:-12])
    done = query(path, "--denied", "-o", "json")
    assert done.exit_code == 0
    assert "is damaged: what is behind the damage is not shown" in done.output


def test_no_terminal_is_commanded(path: Path) -> None:
    path.write_bytes(json.dumps(an_event(1, "get", "a/secrets/b", "\x1b[2Jme")).encode() + b"\n")
    assert "\x1b" not in query(path).output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("--secret db", "expected NAMESPACE/NAME"),
        ("--secret a/b/c", "expected NAMESPACE/NAME"),
        ("--since yesterday", "expected a span such as 90m or 7d"),
        ("--source here", "expected an address"),
    ],
)
def test_wrong_usage(path: Path, arguments: str, told: str) -> None:
    done = query(path, *arguments.split())
    assert done.exit_code == 2
    assert told in done.output


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    done = query(tmp_path / "audit.log")
    assert done.exit_code == 1
    assert "there is no audit log" in done.output


def test_following_goes_on_over_a_rotation(path: Path) -> None:
    argv = [sys.executable, "-m", "strongroom", "audit", "query", "--log", str(path)]
    argv += ["--follow", "-o", "json", "--verb", "update", "--verb", "delete"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, bufsize=0)
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["auditID"] == "12"
        line = json.dumps(an_event(15, "delete", "a/secrets/b")).encode()
        # The rest of the unfinished line, and another in two parts.
        with path.open("ab") as file:
            file.write(b'"}\n' + line[:20])
            file.flush()
            file.write(line[20:] + b"\n")
        assert json.loads(process.stdout.readline())["auditID"] == "15"
        path.rename(path.with_name("audit-2026-01-01T00-00-15.000.log"))
        path.write_text(json.dumps(an_event(16, "delete", "a/secrets/b")) + "\n")
        assert json.loads(process.stdout.readline())["auditID"] == "16"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90m", datetime(2026, 1, 31, 22, 30, tzinfo=UTC)),
        ("1d", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    assert parse_moment(text, datetime(2026, 2, 1, tzinfo=UTC)) == moment


@pytest.mark.parametrize(
    ("secret", "found"),
    [
        (("shop", "db"), True),
        (("shop", ""), True),
        (("shop", "other"), False),
        (("x", "db"), False),
    ],
)
def test_what_a_node_was_given_by_a_reference_elsewhere(
    secret: tuple[str, str], found: bool
) -> None:
    told = {"secrets.strongroom.io/granted-by": "shop/db by for-bank, too"}
    event = an_event(1, "get", "bank/secrets/mine", "system:node:n1", annotations=told)
    line = json.dumps(event, separators=(",", ":")).encode()
    assert bool(Matcher(Wanted(secret=secret)).event(line)) is found


def test_that_nothing_was_found_is_said_to_people_only(path: Path) -> None:
    nothing = query(path, "--user", "nobody")
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "nothing found" in nothing.stderr
    assert query(path, "--user", "nobody", "-o", "json").stderr == ""
