"""The verbs of resources, one a file: how each reads its body, and what it asks of the registry.

A :class:`~strongroom.server.verbs.verb.Verb` knows neither HTTP's framing nor the store. It is
called after authorization, first to decode, then to run.
"""
