"""schemathesis: requests made from our own OpenAPI documents, and answers held against them.

Checked of each answer: it is no failure of the server, its code and media type are documented and
its body fits the schema. Requests are made both as the document allows and as it does not. Left
out, and why:

- whether what the schema forbids is refused, and what it allows is accepted: Kubernetes takes
  unknown fields, nulls and stray parameters, and refuses names that a schema says nothing about;
- authentication: the credential is the certificate of the connection, which is always sent;
- objects that are still there after a deletion: finalizers keep them, as they should.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import given
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fuzz.documents import narrowed, only, status_schemas
from tests.fuzz.server import CUSTOM, Fuzzed
from tests.fuzz.sizes import LARGE, examples

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
LONGEST_SECONDS = 30
"""How long an answer may take. None should come near it; a machine may be slow."""

# Making requests of the kinds with pod templates takes minutes: their schemas are the largest.
SMALL = (
    ("api/v1", ("secrets", "configmaps", "namespaces")),
    ("apis/coordination.k8s.io/v1", ("leases",)),
    (CUSTOM, ("things",)),
)


def operations(served: Fuzzed, path: str, plurals: tuple[str, ...]) -> list[Any]:
    """The operations of a document, of all kinds or some."""
    status = status_schemas(served.document("api/v1"))
    document = narrowed(served.document(path), status=status)
    schema = schemathesis.openapi.from_dict(only(document, plurals) if plurals else document)
    found = list(schema.get_all_operations())
    assert all(isinstance(result, Ok) for result in found)
    return [result.ok() for result in found if isinstance(result, Ok)]


def try_operation(served: Fuzzed, operation: Any, mode: GenerationMode, count: int) -> None:
    """Make requests of an operation."""

    @examples(count, shrink=False)
    @given(operation.as_strategy(generation_mode=mode))
    def check(case: Case[Any]) -> None:
        answer = case.call(
            base_url=served.room.url,
            session=served.session,
            verify=served.session.verify,
            timeout=LONGEST_SECONDS,
        )
        case.validate_response(answer, checks=CHECKS)

    check()


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize(("path", "plurals"), SMALL, ids=[path for path, _ in SMALL])
def test_answers_are_as_documented(
    served: Fuzzed, path: str, plurals: tuple[str, ...], mode: GenerationMode
) -> None:
    for operation in operations(served, path, plurals):
        try_operation(served, operation, mode, 3)
    served.still_serves()


@pytest.mark.skipif(not LARGE, reason="takes minutes: make fuzz")
@pytest.mark.timeout(7200)
def test_all_documents(served: Fuzzed) -> None:
    index = served.session.get(f"{served.room.url}/openapi/v3", timeout=60).json()
    for path in index["paths"]:
        if path == CUSTOM:
            continue  # Tried above; by now a request may have deleted its definition.
        for operation in operations(served, path, ()):
            for mode in MODES:
                try_operation(served, operation, mode, 3)
    served.still_serves()
