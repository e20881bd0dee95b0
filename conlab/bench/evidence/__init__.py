"""What an untimed run lets see of its jobs beside what they cost; readings/ says what it means."""
