"""Client families, driven as their users drive them."""
