"""Alerts: what audit events say about who reads Secrets, held against rules."""
