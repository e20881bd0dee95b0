"""The subcommands of ``conlab``: each module has ``add_arguments(parser)`` and ``run(options)``."""
