"""What every Python process of a judged tree imports at its start, being first on its path."""
