"""ResourceQuotas at the moment of a write: what it uses is charged before it is stored."""
