"""Asking others about writes: mutating and validating admission webhooks.

Nothing here speaks HTTP: the server gives a :class:`~.port.WebhookCaller` that does.
"""
