"""The node agent: pods' Secrets to files and environment, and the pods' lives.

A client of the API and nothing else: imports no server-side package and neither the
controllers nor the command line.
"""
