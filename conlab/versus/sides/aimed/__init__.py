"""What every Python process of a side imports at its start, being first on its path."""
