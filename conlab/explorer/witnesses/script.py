"""Writes a witness as a plain program, which forces its schedule without conlab.

It has the source of the program in it, where that is one file outside a package; the turns of the
threads, or what comes from outside at which turn of the event loop; and the text of `forcing.py`.
"""

import importlib.metadata
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conlab.errors import UserError
from conlab.explorer.outcomes import Unfinished
from conlab.explorer.witnesses import forcing
from conlab.explorer.witnesses.folding import fold
from conlab.explorer.witnesses.narration import narrate
from conlab.explorer.witnesses.turns import Place, Turn
from conlab.explorer.witnesses.witness import Witness

BEGINS = "# -- here begins what the script has of it --\n"
WIDTH = 88  # columns of the comment that tells the schedule
MOST_TURNS = 5_000


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where the program is: in a file, as a module of this name, by a function or as a whole."""

    path: Path
    module: str
    function: str
    is_async: bool
    source: str  # empty where the module is imported as it is
    folders: tuple[str, ...]  # to import from


def write_script(
    path: Path,
    witness: Witness,
    program: Callable[..., Any],
    check: Callable[..., Any] | None = None,
    accident: str = "",
) -> None:
    """Write the program that forces the schedule of a witness.

    ``accident`` says, of what is safe by accident, what CPython with its GIL does instead. Raises
    UserError where that cannot be: a program defined inside a function, a file not to be written.
    """
    if any(step.event == "late clock" for step in witness.steps):
        raise UserError(
            "--script: the witness needs a step that is slow before it asks for the time, which a"
            " script does not force: explore with --no-timeouts, or read the witness"
        )
    text = "".join(_script(witness, _whereabouts(program), _check_name(check), accident))
    try:
        path.write_text(text)
    except OSError as error:
        raise UserError(f"--script {path}: {error.strerror}") from None


def _whereabouts(program: Any) -> Whereabouts:
    script = getattr(getattr(program, "__self__", None), "path", None)
    if isinstance(script, Path):  # a file that is run as a whole
        return Whereabouts(script, "__main__", "", False, script.read_text(), (str(script.parent),))
    program = inspect.unwrap(program)
    code, module = getattr(program, "__code__", None), getattr(program, "__module__", None)
    name = getattr(program, "__qualname__", "<locals>")
    if code is None or module is None or "." in name:
        raise UserError(
            f"--script: {program!r} is no function of a module, so that a script cannot call it by"
            " its name: define the program there"
        )
    file = Path(code.co_filename)
    packages = module.count(".") + (file.name == "__init__.py")
    root = file.parents[packages] if len(file.parents) > packages else file.parent
    alone = not packages and not (file.parent / "__init__.py").exists()
    by_itself = not packages and (alone or not _is_imported_by_name(module))
    source = file.read_text() if by_itself else ""
    folders = (str(file.parent),) if source else (str(root),)
    is_async = inspect.iscoroutinefunction(program)
    return Whereabouts(file, module, name, is_async, source, folders)


def _is_imported_by_name(module: str) -> bool:
    spec = getattr(sys.modules.get(module), "__spec__", None)
    return "." in getattr(spec, "name", "")


def _check_name(check: Any) -> str:
    name = getattr(check, "__qualname__", "")
    return name if name.isidentifier() and name != "<lambda>" else ""


def _script(witness: Witness, where: Whereabouts, check: str, accident: str) -> Iterator[str]:
    repeated: tuple[Turn, ...] = ()
    turns = witness.turns
    if isinstance(witness.outcome, Unfinished):
        turns, repeated = _endless(turns)
    if len({turn.thread for turn in turns}) < 2 and not repeated:
        turns = ()  # there is but one thread, so that nothing need be forced of it
    if len(turns) > MOST_TURNS:
        raise UserError(
            f"--script: the schedule has {len(turns):,} turns, more than {MOST_TURNS:,}: make the"
            " program smaller"
        )
    yield from _docstring(witness, where, accident)
    text = Path(forcing.__file__).read_text()
    imports, _, body = text.partition("# What is written into the script, in place of these:\n")
    yield _imports(imports)
    yield "\n"
    yield from _constants(witness, where, check)
    yield from _turns("TURNS", "the turns of the threads: who runs, up to where", turns)
    yield from _turns("REPEATED", "those that repeat without an end", repeated)
    yield "# What comes from outside: at which turn of which event loop, and what.\nCOMING = [\n"
    for each in witness.coming:
        yield f"    {(each.loop, each.turn, each.what, *each.which)!r},\n"
    yield "]\n\n# From here on: how it is forced, the same in every script.\n"
    yield body.partition(BEGINS)[2]


def _imports(text: str) -> str:
    return "".join(
        line for line in text.splitlines(keepends=True) if line.startswith(("import ", "from "))
    )


def _docstring(witness: Witness, where: Whereabouts, accident: str) -> Iterator[str]:
    lines: list[str] = []
    if accident:
        lines += [*textwrap.wrap(accident, WIDTH), ""]
    lines += narrate(witness.program, witness.outcome, witness.died, witness.steps, WIDTH)
    lines.append("")
    reading = (
        "where a switch is possible before every bytecode that touches what threads share"
        if witness.reading == "bytecode"
        else "where CPython with its GIL was seen to switch"
    )
    lines += textwrap.wrap(
        f"This program forces the schedule above, on real threads and asyncio's own event loop,"
        f" with CPython {witness.python}. It was found in the reading {witness.reading}: {reading}."
        " Run it: it ends by itself, with status 1 if that goes wrong, 0 if it does not, 2 if the"
        " schedule does not fit any more. It needs nothing but the standard library"
        f"{'' if where.source else f' and {where.module.partition(chr(46))[0]}'}. Written by"
        f" conlab {_version()}, of Concurrency Lab.",
        WIDTH,
    )
    text = "\n".join(lines).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    yield f'"""{text}\n"""\n\n'


def _version() -> str:
    try:
        return importlib.metadata.version("concurrency-lab")
    except importlib.metadata.PackageNotFoundError:
        return ""


def _constants(witness: Witness, where: Whereabouts, check: str) -> Iterator[str]:
    yield f"PYTHON = {witness.python.removesuffix('t')!r}\n"
    yield f"EXPECTED = {str(witness.outcome)!r}\n"
    yield f"FOLDERS = {list(where.folders)!r}\n"
    yield f"PROGRAM_FILE = {where.path.name!r}\n"
    yield f"PROGRAM_MODULE = {where.module!r}\n"
    yield f"PROGRAM_FUNCTION = {where.function!r}\n"
    yield f"CHECK = {check!r}\n"
    yield f"IS_ASYNC = {where.is_async!r}\n"
    yield f"PROGRAM_SOURCE = {_literal(where.source)}\n\n"


def _literal(source: str) -> str:
    """Return a source as a literal that can be read."""
    if not source:
        return '""'
    quotes = "'''" if '"""' in source else '"""'
    plain = "\\" not in source and quotes not in source and not source.endswith(quotes[0])
    if plain:
        return f"{quotes}\\\n{source}{quotes}"
    escaped = source.replace("\\", "\\\\").replace(quotes, "\\" + "\\".join(quotes))
    return f"{quotes}\\\n{escaped}{quotes}"


def _turns(name: str, what: str, turns: tuple[Turn, ...]) -> Iterator[str]:
    yield f"# {what[0].upper()}{what[1:]}.\n"
    if turns and name == "TURNS":
        yield "# (thread, module, function, line, offset, sum of its code, times, before or after)"
        yield "\n"
    yield f"{name} = [\n"
    for turn in turns:
        if turn.place is None:
            yield f"    ({turn.thread}, 'end'),  # {turn.name}\n"
        else:
            place = _told(turn.place)
            yield f"    ({turn.thread}, {place}),  # {turn.name}: {turn.place.source}\n"
    yield "]\n"


def _told(place: Place) -> str:
    when = "after" if place.after else "before"
    values = place.module, place.function, place.line, place.offset, place.crc, place.times, when
    return ", ".join(map(repr, values))


def _endless(turns: tuple[Turn, ...]) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """Return the turns up to where they repeat without an end, and those that do."""
    parts = fold(turns)
    last = max(parts, key=lambda part: part.length * (part.times - 1), default=None)
    if last is None or last.times == 1:
        return turns, ()
    return turns[: last.start], turns[last.start : last.start + last.length]
