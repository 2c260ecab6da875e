"""May this request proceed? Authentication, authorization and admission.

Reads what it needs (accounts, roles, tokens) through protocols it declares itself and the
server fills; it imports neither registry nor storage.
"""
