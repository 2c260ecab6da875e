"""A canary value is sent down every path, and then looked for everywhere it must not be.

It may be read by a GET of its Secret and stand in the log of a pod that prints it, through the API;
it may stand nowhere else: no file of the data directory (database, WAL, logs, audit, certificates),
no output, metric, event, status, warning, error or command line of ours.
"""
