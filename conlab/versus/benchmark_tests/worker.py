"""The process that runs tests of one side: ``python -m conlab.versus.benchmark_tests.worker``.

Orders and replies are lines of JSON, as those of ``conlab.versus.pairs.worker``. The first order
starts pytest in this process; the others are obeyed by ``in_pytest``, within its loop of tests.
"""

import json
import os
import sys
from typing import Any

from conlab.errors import UserError
from conlab.versus.benchmark_tests.in_pytest import Told
from conlab.versus.pairs.worker import received


def main() -> None:
    """Run pytest as the first order says, and obey the others."""
    source = os.dup(0)  # pytest closes what it captures
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as replies:
        os.dup2(2, 1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)

        def reply(**said: Any) -> None:
            replies.write(json.dumps(said) + "\n")
            replies.flush()

        orders = received(source)
        order = orders.get()
        if order is None or order["do"] != "start":
            return
        told = Told(orders, reply, order["top"])
        try:
            status = run_pytest(order, told)
        except UserError as mistake:
            reply(mistake=str(mistake))
        except BaseException as error:
            reply(mistake=f"{type(error).__name__}: {error}".partition("\n")[0])
        else:
            if not told.began:
                reply(mistake=f"pytest ended with status {status} before its first test")


def run_pytest(order: dict[str, Any], told: Told) -> int:
    """Collect the files and run their tests as they are asked for; the status that pytest gives.

    As pytest-xdist does it: the options are those that the reader's own pytest has read.
    """
    import pytest
    from _pytest.config import Config

    options = dict(order["options"])
    named = options.pop("plugins", [])  # on the command line, where they count before the others
    plugins = [f"-p{name}" for name in (*named, "no:terminal")]
    arguments = [*plugins, *(str(each) for each in order["files"])]
    sys.argv[1:] = arguments
    try:
        config = Config.fromdictargs(options, arguments)
    except pytest.UsageError as error:
        raise UserError(f"pytest: {error}") from None
    except Exception as error:  # of a conftest
        cause = error.__cause__ or error
        place = getattr(error, "path", None)
        where = f"{os.path.relpath(place)} cannot be imported: " if place else ""
        raise UserError(f"{where}{type(cause).__name__}: {cause}".partition("\n")[0]) from None
    try:
        config.pluginmanager.register(told, "conlab-versus-worker")
        return int(config.hook.pytest_cmdline_main(config=config))
    finally:
        config._ensure_unconfigure()


if __name__ == "__main__":
    main()
