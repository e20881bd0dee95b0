"""What every Python process of a checked run imports at its start, being first on its path."""
