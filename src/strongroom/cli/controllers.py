"""`strongroom controllers`: the part alone, in this process."""

from strongroom.cli.passthrough import part_command

command = part_command("controllers", "strongroom.controllers", "Run the controllers alone.")
