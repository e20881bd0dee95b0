"""What of a program's output is a tool's word on the mistake, and what it comes down to."""

import re
from collections.abc import Callable

from conlab.catalogue.pitfall import Pitfall
from conlab.detect.places import imports, names

LONGEST = 100  # characters that are kept of a message
MOST = 3  # different messages that are kept of a run

Says = Callable[[str, Pitfall], list[str]]

# What changes from run to run, and says nothing.
VARYING = [
    (re.compile(r"\b(?:broken|fixed)\.<locals>\."), ""),  # or no word would be of both sides
    (re.compile(r"0x[0-9a-fA-F]+"), "0x.."),
    (re.compile(r"\b(Task|Thread|ThreadPoolExecutor|AnyIO\w*)-\d+(_\d+)?"), r"\1-n"),
    (re.compile(r"\b\d+\.\d+ ?(s|seconds|ms)\b"), r"n \1"),
    (re.compile(r"\bpid=\d+"), "pid=n"),
    (re.compile(r"(?:/[\w.+-]+)+/([\w.-]+)"), r"\1"),
    (re.compile(r"\.py:\d+"), ".py"),
    (re.compile(r"\s+"), " "),
]

# What Python prints of its own accord: warnings, and what asyncio logs.
WARNINGS = r"\b\w+Warning: (?!Enable tracemalloc).+"
LOGGED = (
    r"Task was destroyed but it is pending!|(?:Task|Future) exception was never retrieved"
    r"|Executing <.+ took .+ seconds|Non-thread-safe operation.+"
    r"|Unclosed .+|unhandled exception during .+"
)
TRACEBACKS = r"^[\w.]*(?:Error|Exception|ExceptionGroup|Interrupt|Stop\w*Iteration)\b(?:: .+)?$"


def saying(*patterns: str) -> Says:
    """Find what matches a pattern and speaks of the file, of what it defines or what it imports."""
    pattern = re.compile("|".join(f"(?:{each})" for each in patterns), re.MULTILINE)

    def says(output: str, pitfall: Pitfall) -> list[str]:
        matches = list(pattern.finditer(output))
        of_the_file = re.compile("|".join([re.escape(pitfall.path.name), *_words(pitfall)]))
        found = []
        for number, match in enumerate(matches):
            begin = matches[number - 1].end() if number else 0
            end = matches[number + 1].start() if number + 1 < len(matches) else len(output)
            if of_the_file.search(output[begin:end]):
                found.append(plainly(match[0]))
        return list(dict.fromkeys(found))[:MOST]

    return says


def stuck(pattern: str) -> Says:
    """Find in stacks, once a pattern has matched, the statements at which the side is stuck."""

    def says(output: str, pitfall: Pitfall) -> list[str]:
        if not re.search(pattern, output):
            return []
        source = ["", *pitfall.path.read_text("utf-8").splitlines()]
        numbers = re.findall(re.escape(pitfall.path.name) + r'"?(?::|, line )(\d+)', output)
        shown = {source[int(n)].strip() for n in numbers if int(n) < len(source)}
        stuck_at = (*pitfall.stuck_at, *pitfall.awaiting)
        return [each for each in dict.fromkeys(stuck_at) if each in shown][:MOST]

    return says


def plainly(message: str) -> str:
    """The message in one line, without what changes from run to run."""
    for pattern, instead in VARYING:
        message = pattern.sub(instead, message)
    message = message.strip()
    return message if len(message) <= LONGEST else f"{message[: LONGEST - 1]}…"


def _words(pitfall: Pitfall) -> list[str]:
    """What the file defines, and the modules that it imports: a warning may point into those."""
    modules = {name.partition(".")[0] for name in imports(pitfall)}
    known = sorted(name for name in names(pitfall) | modules if len(name) > 3)
    return [rf"\b{re.escape(name)}\b" for name in known]
