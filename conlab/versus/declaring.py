"""The options of a comparison as the pytest of any project knows them.

Their short names are everybody's: ``--seed`` may be an option of a conftest, also of one that is
found late. So pytest is told of ``--versus`` and of longer names, ``--conlab-seed``, alone; and
where a comparison is asked for, a short name that nobody else has is read as the longer one. What
they mean is said by ``conlab.versus.options``.
"""

from collections.abc import Container, Iterable, Iterator
from typing import Any

VERSUS = "--versus"
CLONES_OWN = "concurrency lab versus"  # the group of the same options in the clone
OPTIONS: dict[str, dict[str, Any]] = {
    VERSUS: {
        "metavar": "SIDE",
        "help": "compare the benchmarks (of pytest-benchmark) with SIDE: a git revision, a Python,"
        " or another version of a library; or two of them with each other, A..B. The names of the"
        " following may be written without conlab- beside it, if no other option has that name",
    },
    "--clocks": {
        "metavar": "A,B",
        "help": "what is compared: wall, cpu, memory (these by default), first-job, import, tail,"
        " or all",
    },
    "--matters": {"metavar": "SHARE", "help": "the least change that matters (5%%)"},
    "--alpha": {
        "metavar": "P",
        "help": "the probability, at most, of any false alarm in a run (0.01)",
    },
    "--budget": {"metavar": "SECONDS", "help": "measure for no longer than this in all (300)"},
    "--seed": {"metavar": "N", "help": "draw the orders as a run did that printed this seed"},
    "--install": {
        "action": "store_true",
        "help": "install each revision, and the working tree beside it, into an environment of its"
        " own, made once and kept; as a project that must be built is anyway",
    },
    "--report-md": {"metavar": "FILE", "help": "write a report in Markdown there, too"},
    "--fail-on-cannot-tell": {
        "action": "store_true",
        "help": "fail for an undecided benchmark, too",
    },
}


def destination(name: str) -> str:
    """Where pytest keeps the value of an option."""
    return f"conlab_{name[2:].replace('-', '_')}"


def longer(name: str) -> str:
    """The name that is nobody else's."""
    return f"--conlab-{name[2:]}"


def declare(parser: Any, taken: Container[str]) -> None:
    """Tell pytest's parser of the options; ``taken`` are the names that others have."""
    group = parser.getgroup("versus", "Concurrency Lab: did it get slower?")
    for name, attributes in OPTIONS.items():
        names = [name] if name == VERSUS and name not in taken else []
        group.addoption(*names, longer(name), dest=destination(name), default=None, **attributes)


def with_a_value(args: Iterable[str]) -> set[str]:
    """The names of those that take a value, if a comparison is asked for."""
    if not any(argument.partition("=")[0] in (VERSUS, longer(VERSUS)) for argument in args):
        return set()
    valued = [name for name, attributes in OPTIONS.items() if "action" not in attributes]
    return {each for name in valued for each in (name, longer(name))}


def in_full(args: list[str], taken: Container[str]) -> Iterator[str]:
    """The arguments with the longer name in the place of each short one that is not taken."""
    asked = bool(with_a_value(args))
    for argument in args:
        name, given, value = argument.partition("=")
        if asked and name in OPTIONS and name not in taken:
            yield f"{longer(name)}{given}{value}"
        else:
            yield argument
