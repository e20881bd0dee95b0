"""The suite's own options and wiring, nothing else."""
