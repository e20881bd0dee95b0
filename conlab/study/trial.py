"""Runs a mended file in a child process: explored, or judged with note taken of what it does.

A reader's file may do anything: never end, end its process, fill the memory. So none of it is
imported here; the judge's warden ends the child and all that it has started.
"""

import json
import os
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from conlab.catalogue.pitfall import ORACLE, Pitfall
from conlab.errors import UserError
from conlab.judge import Judgement, judge_command
from conlab.study.recording import conlab_recorder

BOUND = 2  # preemptions or departures, where a search without a bound has no end
SECONDS = 30.0  # for a search
QUICK = 8.0  # seconds for one of a judged pair, which counts only if it comes to its end
OVER = 30.0  # seconds more, after which a child that explores is ended
LIMIT = 20.0  # seconds for a side that is judged
RECORDING = Path(conlab_recorder.__file__).parent


@dataclass(frozen=True)
class Explored:
    """What came of exploring a mended file, in the words of the explorer."""

    sentence: str  # as in "passes every schedule ..."
    failing: bool
    exhausted: bool
    complete: int  # preemptions up to which every schedule was run; -1 for none
    alone: bool  # whether it starts no thread and no event loop
    witness: tuple[str, ...]  # printed lines
    refused: str = ""  # why the explorer has no verdict
    broke: str = ""  # what the file did instead of coming to an end


@dataclass(frozen=True)
class Noted:
    """What a run did, as far as note was taken."""

    calls: Counter[str]  # of given functions, but for those that were handed what they call
    values: Counter[str]  # that they were given in all of these
    active: int  # threads, tasks and processes other than the main one that did something
    codes: frozenset[str]  # the functions that these ran, by their qualified names
    jobs: int  # how many jobs pools had to do at once, and workers for
    width: int  # how many of them were open at once
    programs: Counter[str]
    processes: int  # of Python that were started, the first one included
    beside: frozenset[str] = frozenset()  # given functions that the main one called meanwhile
    drivers: Counter[str] = field(default_factory=Counter)  # calls of those, with what they call
    own_width: int = 0  # of the width, those that the file itself started, and no library
    together: bool = True  # whether the main one had anything to do between a start and a join


@dataclass(frozen=True)
class Run:
    """A judged run, and what it did."""

    judgement: Judgement
    noted: Noted


def explore(file: Path, function: str, pitfall: Pitfall, folder: Path, width: int) -> Explored:
    """Run a function of a file under every schedule, in a child; its oracle is the file's own."""
    seconds = SECONDS if pitfall.evidence == "explored" else QUICK
    answer = folder / f"{file.stem}.explored.json"
    job = {
        "file": str(file),
        "function": function,
        "oracle": ORACLE,
        "cancellations": pitfall.cancellations,
        "answer": str(answer),
        "width": width,
        "seconds": seconds,
    }
    child = "from conlab.study.trial import explore_in_child; explore_in_child()"
    judgement = judge_command(
        [sys.executable, "-c", child, json.dumps(job)], file=file, limit=seconds + OVER
    )
    if not answer.exists():
        return Explored("", True, False, -1, False, (), broke=_without_answer(judgement))
    values = json.loads(answer.read_text().replace(f"{file.parent}/", ""))  # as the reader calls it
    return Explored(**{**values, "witness": tuple(values["witness"])})


def _without_answer(judgement: Judgement) -> str:
    """Why a child that explores has said nothing, as a sentence about the file."""
    outcome = str(judgement.outcome)
    if outcome.startswith("hung"):
        return f"it has not ended after {SECONDS + OVER:.0f} s"
    return f"it {outcome} while it was explored: a side returns, and does not end its process"


def explore_in_child() -> None:
    """Explore what the first argument says, and write the verdict as JSON."""
    from conlab.explorer import explore as run_every_schedule
    from conlab.explorer.programs import target

    job = json.loads(sys.argv[1])
    found = None
    try:
        found = target.find(f"{job['file']}:{job['function']}", job["oracle"])
        exploration = run_every_schedule(
            found.program,
            check=found.check,
            reading="bytecode",
            bound=BOUND,
            cancellations=job["cancellations"],
            seconds=job["seconds"],
        )
        witness = exploration.witness
        explored = Explored(
            str(exploration),
            bool(exploration.failing),
            exploration.exhausted,
            _complete(exploration),
            exploration.alone,
            () if witness is None else tuple(witness.lines(job["width"])),
        )
    except UserError as refused:
        why = {"refused": str(refused)} if found else {"broke": f"it cannot be run: {refused}"}
        explored = Explored("", True, False, -1, False, (), **why)
    Path(job["answer"]).write_text(json.dumps(asdict(explored)))
    sys.stdout.flush()
    os._exit(0)  # whatever threads a program has left


def _complete(exploration: Any) -> int:
    if exploration.exhausted:
        return BOUND
    return -1 if exploration.bound is None else int(exploration.bound)


def run(
    file: Path,
    function: str,
    pitfall: Pitfall,
    folder: Path,
    given: frozenset[str],
    *,
    forced: bool,
    at_rest: tuple[str, ...] = (),
    limit: float | None = None,
) -> Run:
    """Run a function of a file in a child, judged, with note taken of what it does.

    ``forced`` is in the order that the pitfall declares; ``at_rest`` are further statements that
    wait until all others rest. A run that stands where the pitfall says is not waited for longer.
    """
    log = folder / f"{file.stem}.{function}.noted"
    settings = {"file": str(file), "given": sorted(given), "log": str(log)}
    child = "from conlab.study.trial import run_in_child; run_in_child()"
    judgement = judge_command(
        [sys.executable, "-c", child, str(file), function, ORACLE, json.dumps(settings)],
        file=file,
        limit=LIMIT if limit is None else limit,
        stuck_at=pitfall.stuck_at,
        meet=pitfall.meet if forced else {},
        order=pitfall.order if forced else (),
        at_rest=(*(pitfall.at_rest if forced else ()), *at_rest),
        says_ready=True,
    )
    return Run(judgement, _noted(log))


def run_in_child() -> None:
    """Run what the arguments name as the judge's own child does, with note taken."""
    settings = json.loads(sys.argv[4]) | {"root": os.getpid()}
    os.environ[conlab_recorder.VARIABLE] = json.dumps(settings)
    there = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [there, str(RECORDING)]))
    from conlab.warden.side import main

    conlab_recorder.install()
    main()


def _noted(log: Path) -> Noted:
    calls: Counter[str] = Counter()
    values: Counter[str] = Counter()
    drivers: Counter[str] = Counter()
    programs: Counter[str] = Counter()
    active, codes, processes = set[str](), set[str](), set[int]()
    beside = set[str]()
    width = own_width = jobs = opened = 0
    for line in log.read_bytes().splitlines() if log.exists() else []:
        match json.loads(line):
            case {"call": str(name), "values": int(count), "driver": driver}:
                (drivers if driver else calls)[name] += 1
                values[name] += count
            case {"active": strand, "code": code}:
                active.add(strand)
                codes.add(code)
            case {"width": int(number), "own": int(of_file), "jobs": int(of_pools)}:
                width, jobs = max(width, number), max(jobs, of_pools)
                own_width = max(own_width, of_file)
            case {"program": list(parts)}:
                programs[" ".join(parts)] += 1
            case {"process": pid}:
                processes.add(pid)
            case {"beside": str(name)}:
                beside.add(name)
            case {"opened": 1}:
                opened += 1
            case {"waited_for_at_once": 1}:
                opened -= 1
    return Noted(
        calls=calls,
        values=values,
        active=len(active),
        codes=frozenset(codes),
        jobs=jobs,
        width=width,
        programs=programs,
        processes=len(processes),
        beside=frozenset(beside),
        drivers=drivers,
        own_width=own_width,
        together=opened > 0,
    )
