"""`strongroom keys passphrase`: a key file is sealed under a new passphrase, in this process."""

from strongroom.cli.passthrough import part_command

command = part_command(
    "passphrase", "strongroom.server.key_passphrase", "Seal a key file under a new passphrase."
)
