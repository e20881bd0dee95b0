"""The ``conlab`` command: each subcommand is a module of ``conlab.commands``, found by its file."""

import argparse
import errno
import importlib
import io
import os
import pkgutil
import sys
import textwrap

import conlab.commands
from conlab import ending, terminal
from conlab.errors import UserError

MISTAKE = 2
INTERRUPTED = ending.INTERRUPTED
NOBODY_READS = 141


def main() -> int:
    """Run the command line that this process was given, and return its exit status."""
    with ending.as_by_ctrl_c():
        status = obey(sys.argv[1:])
        interrupted = status == INTERRUPTED
        status = ending.status(status) if interrupted else status
        ending.let_go(status, interrupted)
        return status


def obey(arguments: list[str]) -> int:
    """Run one subcommand and return the exit status: 0 well, 1 a finding, 2 a user's mistake."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what an encoding lacks ends nothing
    try:
        status = run(arguments)
        if sys.stdout is not None:  # it may be closed
            sys.stdout.flush()  # here, where it is known what to do if nobody reads any more
    except UserError as mistake:
        print(f"conlab: {mistake}", file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        print("conlab: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more
        return NOBODY_READS
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"conlab: the output cannot be written: {error.strerror}", file=sys.stderr)
        return MISTAKE
    return status


def run(arguments: list[str]) -> int:
    """Find the subcommand that is asked for and run it."""
    options = parser().parse_args(arguments)
    status: int = options.run(options)
    return status


def parser() -> argparse.ArgumentParser:
    """What understands the command line: every subcommand adds its own arguments."""
    made = argparse.ArgumentParser(prog="conlab", description=conlab.__doc__)
    made.add_argument("--version", action="version", version=f"conlab {conlab.__version__}")
    subcommands = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in sorted(module.name for module in pkgutil.iter_modules(conlab.commands.__path__)):
        command = importlib.import_module(f"conlab.commands.{name}")
        subparser = subcommands.add_parser(
            name,
            help=(command.__doc__ or "").partition("\n")[0],
            description=filled(command.__doc__ or ""),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return made


def filled(text: str) -> str:
    """Fill each paragraph of the text to the terminal's width."""
    width = terminal.text_width() - 2  # as argparse fills the rest
    return "\n\n".join(textwrap.fill(part, width) for part in text.strip().split("\n\n"))


if __name__ == "__main__":
    sys.exit(main())
