"""Programs: what is named, what of it is stepped and set back, and whether it can be explored."""
