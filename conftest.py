"""The suite's own options and wiring, nothing else."""

# One that another imports comes before it, or pytest could not rewrite its assertions.
pytest_plugins = ["conlab.bench.saving", "conlab.bench.plugin", "conlab.versus.plugin"]
