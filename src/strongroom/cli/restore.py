"""`strongroom restore`: a store made from a backup, in this process."""

from strongroom.cli.passthrough import part_command

command = part_command(
    "restore", "strongroom.server.restore", "Make a store from a backup, under a key of its own."
)
