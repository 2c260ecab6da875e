"""`strongroom apiserver`: the part alone, in this process."""

from strongroom.cli.passthrough import part_command

command = part_command("apiserver", "strongroom.server", "Run the API server alone.")
