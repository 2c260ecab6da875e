"""How commands for people print: text, or the same facts as JSON or YAML."""

from __future__ import annotations

import json
from typing import Any

import click

output_option = click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "yaml"]),
    default="text",
    help="Form of the output.",
)  # fmt: skip - one option


def dump(facts: dict[str, Any], form: str) -> str:
    """The facts as JSON or YAML, ending in a newline."""
    if form == "yaml":
        from strongroom.api import yaml_text

        return yaml_text.dump(facts, sort_keys=False)
    return json.dumps(facts, indent=2) + "\n"
