"""The atlas of atomicity: whether another thread can get in between, idiom by idiom."""
