"""One reconcile loop per file.

Clients of the API and nothing else: they import no server-side package and neither the node
agent nor the command line.
"""
