"""The ways to run many jobs: one file a concurrency model, a plural noun."""
