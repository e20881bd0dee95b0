"""The pytest plugin that the wheel installs: what a reader's own tests may use."""
