"""Random input: small and repeatable in `make test`, large and random in `make fuzz`."""
