"""The behaviours that upstream's end-to-end tests assert, each by a test that bears its name."""
