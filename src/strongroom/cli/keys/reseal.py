"""`strongroom keys reseal`: a key file comes under another seal, in this process."""

from strongroom.cli.passthrough import part_command

command = part_command(
    "reseal", "strongroom.server.key_reseal", "Put a key file under another seal."
)
