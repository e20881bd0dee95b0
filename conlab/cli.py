"""The ``conlab`` command: each subcommand is a module of ``conlab.commands``, found by its file."""

import argparse
import importlib
import pkgutil
import sys

import conlab.commands
from conlab.errors import UserError


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand and return the exit status: 0 well, 1 a finding, 2 a user's mistake."""
    parser = argparse.ArgumentParser(prog="conlab", description="Concurrency Lab")
    subcommands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in sorted(module.name for module in pkgutil.iter_modules(conlab.commands.__path__)):
        command = importlib.import_module(f"conlab.commands.{name}")
        subparser = subcommands.add_parser(
            name, help=(command.__doc__ or "").partition("\n")[0], description=command.__doc__
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
    except UserError as mistake:
        print(f"conlab: {mistake}", file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
