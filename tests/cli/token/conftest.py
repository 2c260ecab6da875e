"""An API server as the tests of `strongroom secret` start it."""

from tests.cli.secret.conftest import api  # noqa: F401 - a fixture
