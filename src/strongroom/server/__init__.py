"""The composition root: HTTP, the request pipeline, discovery, OpenAPI, configuration.

The only place that wires access, registry and storage together; nothing imports it. Starts as
its own process (`python -m strongroom.server`).
"""
