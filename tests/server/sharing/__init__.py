"""Secrets that are shared with other namespaces, as the API server gives them."""
