"""`strongroom kms serve`: the plugin, in this process."""

from strongroom.cli.passthrough import part_command

command = part_command(
    "serve", "strongroom.server.kms_plugin", "A KMS v2 plugin for any kube-apiserver."
)
