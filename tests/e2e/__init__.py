"""The whole of strongroom from outside: real processes, the real kubectl, the official client."""
