"""Audit: what is told of each request, and where it goes."""
