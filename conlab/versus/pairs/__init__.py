"""How two sides are measured: in pairs of fresh processes that take turns."""
