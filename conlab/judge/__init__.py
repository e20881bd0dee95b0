"""Runs one function of a file in a child process under a time limit, and names what happened.

    from conlab.judge import judge
    print(judge("pitfalls/deadlocks/lock_order.py", "broken", meet={"with second:": 2}))

Whatever the function does, the judge comes back: the clock starts when the child says that it is
ready, and at the end the whole tree of processes is killed, also those that left its group.

A hang is told from slowness by two looks: the stacks of every thread of every process are the same
in both, and no thread was on a core in between. With ``stuck_at``, statements of the file as they
are written there, a tree that stands at exactly those is a hang at once, without the limit.

An order is forced from outside, by a trace function in the tree's processes: ``meet`` holds threads
at a statement until so many have come to it, ``order`` holds each statement until the one before
it has ended, and ``at_rest`` holds a statement until every other thread sleeps. Where the program
itself does not let that order come about, so that all its threads wait, or wake only to look and
sleep on, the gate opens and the judgement says "prevented".
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conlab.errors import UserError
from conlab.judge.outcomes import Exited, Hung, Judgement, Killed, Outcome, Raised, Returned
from conlab.scratch import scratch_folder
from conlab.warden.frames import of_the_program
from conlab.warden.stacks import Threads
from conlab.warden.watching import stuck_statements

__all__ = [
    "Exited",
    "Hung",
    "Judgement",
    "Killed",
    "Outcome",
    "Raised",
    "Returned",
    "judge",
    "judge_command",
]

ROOT = Path(__file__).parents[2]
ARMED = Path(__file__).parent / "armed"
RUN_SIDE = "from conlab.warden.side import main; main()"
# How the process of a side was started, whoever has it run: a child that was forked has the same.
_OURS = re.compile(
    r": .*? -c from conlab\.[\w.]+ import \w+; \w+\(\)"
    r" (?:.*/)?(?P<file>[^/]+\.py) (?P<function>\w+).*"
)
KEPT_OUTPUT = 64 * 1024  # bytes of each stream, counted from its end


def judge(
    file: str | Path,
    function: str,
    *,
    oracle: str | None = None,
    limit: float = 10.0,
    stuck_at: Sequence[str] = (),
    meet: Mapping[str, int] | None = None,
    order: Sequence[str] = (),
    at_rest: Sequence[str] = (),
) -> Judgement:
    """Run ``function`` of ``file`` and say what became of it.

    ``oracle`` names a function of the same file that takes the value returned and says whether it
    is right. ``limit`` is in seconds. Raises UserError when there is no such file.
    """
    path = Path(file).resolve()
    if not path.is_file():
        raise UserError(f"there is no file {str(file)!r} to judge; give the path of a Python file")
    return judge_command(
        [sys.executable, "-c", RUN_SIDE, str(path), function, oracle or ""],
        file=path,
        limit=limit,
        stuck_at=stuck_at,
        meet=meet,
        order=order,
        at_rest=at_rest,
        says_ready=True,
    )


def judge_command(
    command: Sequence[str],
    *,
    file: str | Path,
    limit: float,
    stuck_at: Sequence[str] = (),
    meet: Mapping[str, int] | None = None,
    order: Sequence[str] = (),
    at_rest: Sequence[str] = (),
    says_ready: bool = False,
) -> Judgement:
    """Run a command that works on ``file`` in the same way: under the limit, and to the last child.

    The command's own end is the outcome. ``says_ready`` is for the judge's own child, which tells
    when its work begins and what its function did.
    """
    if not Path("/proc/self/task").is_dir():
        raise UserError(f"the judge sees processes through /proc, which {sys.platform} has not")
    path = Path(file).resolve()
    with scratch_folder() as scratch:
        job = {
            "command": list(command),
            "file": str(path),
            "limit": limit,
            "stuck_at": list(stuck_at),
            "meet": dict(meet or {}),
            "order": list(order),
            "at_rest": list(at_rest),
            "says_ready": says_ready,
            "scratch": str(scratch),
        }
        gated = [*(meet or {}), *order, *at_rest]
        report = _ask_warden(job, _environment(path, scratch, gated))
        return Judgement(
            outcome=_outcome(report, path),
            lost=tuple(_said(report, "lost")),
            left=(*_said(report, "left"), *(f"process {line}" for line in report.get("left", ()))),
            gate=report["gate"] if gated else "none",
            stdout=_tail(scratch / "stdout"),
            stderr=_tail(scratch / "stderr"),
        )


def _environment(path: Path, scratch: Path, gated: list[str]) -> dict[str, str]:
    environment = dict(os.environ)
    environment.pop("CONLAB_GATE", None)
    already = environment.get("PYTHONPATH", "")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ARMED), str(ROOT), already]))
    environment["CONLAB_JUDGE"] = str(scratch)
    if gated:
        environment["CONLAB_GATE"] = json.dumps({"file": str(path), "statements": gated})
    return environment


def _ask_warden(job: dict[str, Any], environment: dict[str, str]) -> dict[str, Any]:
    """Have the warden do the job; when this process is interrupted or gone, it ends the tree."""
    path_first = f"import sys; sys.path.insert(0, {str(ROOT)!r})"  # -S leaves out what installs it
    run_warden = f"{path_first}; from conlab.warden.watching import main; main()"
    with subprocess.Popen(
        [sys.executable, "-S", "-c", run_warden],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the judge, who then tells the warden
    ) as warden:
        assert warden.stdin is not None
        assert warden.stdout is not None
        warden.stdin.write(json.dumps(job) + "\n")
        warden.stdin.flush()
        try:
            answer = warden.stdout.read()
        finally:
            warden.stdin.close()  # the end of its input is the warden's word to stop
    if not answer:
        raise RuntimeError(f"the warden ended with status {warden.returncode} and no report")
    report: dict[str, Any] = json.loads(answer)
    return report


def _outcome(report: dict[str, Any], path: Path) -> Outcome:
    done: Returned | Raised | None = None
    match report["messages"]:
        case [{"says": "returned", "value": value, "right": right}]:
            done = Returned(value, right)
        case [{"says": "raised", "type": kind, "message": message, "traceback": traceback}]:
            done = Raised(kind, message, traceback)
    match report:
        case {"end": "hung"}:
            return Hung(
                stacks=_in_words(report["stacks"]),
                statements=tuple(stuck_statements(report["stacks"], str(path))),
                steady=report["steady"],
                seconds_on_core=report["seconds_on_core"],
                after=done,
            )
        case {"end": "killed", "status": status}:
            return Killed(signal.Signals(-status))
        case {"status": 0} if done:
            return done
    return Exited(report["status"])


def _in_words(stacks: Threads) -> str:
    """The stacks of all threads as text, with the frames of the program and of its libraries."""
    lines = []
    for process, threads in stacks.items():
        lines.append(_OURS.sub(r": \g<function>() of \g<file>", process))
        own = filter(None, map(of_the_program, threads))
        for number, frames in enumerate(own, 1):
            lines.append(f"  thread {number}, most recent call first")
            lines += [
                f'    File "{name}", line {line}, in {inside}' for name, line, inside in frames
            ]
    return "\n".join(lines)


def _said(report: dict[str, Any], key: str) -> list[str]:
    return [what for message in report["messages"] for what in message.get(key, ())]


def _tail(path: Path) -> str:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - KEPT_OUTPUT))
        return stream.read().decode(errors="replace")
