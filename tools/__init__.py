"""Scripts for working on strongroom; the Makefile calls them. Not part of the package."""
