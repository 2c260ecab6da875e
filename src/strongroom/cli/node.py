"""`strongroom node`: the part alone, in this process."""

from strongroom.cli.passthrough import part_command

command = part_command("node", "strongroom.node", "Run the node agent alone.")
