"""The file of a backup: an age file of JSON lines. Known to the command line and to the server."""
