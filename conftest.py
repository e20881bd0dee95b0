"""The suite's own options and wiring, nothing else."""

pytest_plugins = ["conlab.bench.plugin", "conlab.bench.saving", "conlab.versus.plugin"]
