"""Who is asking: tokens, and where requests carry them."""
