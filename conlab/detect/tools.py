"""The tools, as a table: how each is asked by default and at its best, and what it is about.

A tool's *scope* are the pitfalls that it could speak of at all: a linter of asyncio has nothing to
say of threads. Its *control* is the case that shows it at work: see `controls.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from conlab.catalogue.pitfall import Pitfall
from conlab.detect import linting
from conlab.detect.linting import Lint
from conlab.detect.messages import LOGGED, TRACEBACKS, WARNINGS, saying, stuck
from conlab.detect.own import Own
from conlab.detect.places import imports
from conlab.detect.running import ASKS, CALLS, HANGS_AFTER, Run

Setting = Lint | Run | Own


@dataclass(frozen=True, eq=False)  # a key, though its settings are none
class Tool:
    """A tool: what is installed for it, how it is asked, and which pitfalls it could speak of.

    ``best`` is left out where no setting finds more than the default; ``at_best`` is what the tool
    is then called in a sentence. ``asks``: it runs a test that asks the pitfall's oracle, so that
    what it finds is owed to that test as well.
    """

    name: str
    package: str  # the distribution whose version counts; "" for what comes with Python
    about: str  # its scope in words
    scope: Callable[[Pitfall], bool]
    control: str
    default: Setting
    best: Setting | None = None
    at_best: str = ""
    requirements: tuple[str, ...] = ()  # what is installed, if it is more than the package
    says: Literal["codes", "words", "stacks"] = "words"
    asks: bool = False
    ours: bool = False


def everything(_: Pitfall) -> bool:
    """Every pitfall is in scope."""
    return True


def event_loops(pitfall: Pitfall) -> bool:
    """Coroutines and event loops."""
    return bool({"asyncio", "async"} & imports(pitfall))


def hangs(pitfall: Pitfall) -> bool:
    """What never ends."""
    return pitfall.shows == "hung"


def leaks(pitfall: Pitfall) -> bool:
    """Event loops, and what is left behind."""
    return pitfall.failure == "leak" or event_loops(pitfall)


def threads_alone(pitfall: Pitfall) -> bool:
    """Threads that share memory, without an event loop and without processes."""
    used = imports(pitfall)
    others = ("asyncio", "async", "multiprocessing", "subprocess")
    return any(name.startswith("threading") for name in used) and not any(
        name.startswith(others) for name in used
    )


def one_process(pitfall: Pitfall) -> bool:
    """Threads and tasks of one process."""
    others = ("multiprocessing", "subprocess", "concurrent.futures.ProcessPoolExecutor")
    return not any(name.startswith(others) for name in imports(pitfall))


RUFF = ("ruff", "check", "--isolated", "--no-cache", "--output-format=json")
STYLE_OF_RUFF = (
    r"(A|ANN|C4|C90|COM|CPY|D|DOC|E[1-5]|EM|ERA|FBT|FIX|FLY|FURB|I|ICN|INP|ISC|N|PERF|PGH|PIE|PLC"
    r"|PLR|PT|PTH|PYI|Q|RET|SIM|SLF|T20|TC|TD|TID|TRY|UP|W)\d|S(?!110|112)\d"
)  # and of security, but for exceptions that are passed over
FLAKE8 = ("flake8", "--isolated", "--format=%(path)s:%(row)d:%(code)s")
PYLINT = ("pylint", "--rcfile=", "--persistent=n", "--output-format=json2")
MYPY = ("mypy", "--config-file=", "--no-incremental", "--no-error-summary", "--output=json")
MYPY_OPTIONAL = (
    "unused-awaitable",
    "truthy-bool",
    "truthy-iterable",
    "possibly-undefined",
    "redundant-expr",
)
PYRIGHT = ("pyright", "--outputjson")
STRICT = {"pyrightconfig.json": '{"typeCheckingMode": "strict"}'}
STYLE_OF_PYRIGHT = r"report(Unknown|Missing|Untyped|Private|Unused(Import|Variable|Class|Function))"
TIMEOUT = ("-p", "pytest_timeout", f"--timeout={HANGS_AFTER}")
PARALLEL = ("-p", "pytest_run_parallel.plugin")
DEBUG = {"PYTHONASYNCIODEBUG": "1"}
FRONTRUN = {"FRONTRUN_ACTIVE": "1"}
# Conventions, refactorings; names that the last lines of a file use, too; while; long try blocks.
STYLE_OF_PYLINT = "[CRI]|W0621|W0149|W0717"
NOT_OF_ASYNC = "(?!ASYNC)"
NOT_OF_BUGBEAR = r"(?!B\d)"
ABOUT_SECURITY = "B(?!110|112)"  # but for exceptions that are passed over
FAILED = r"^E   .+|^FAILED .+"
LEAKED = r"^Detected \d+ .+|Error: Detected .+"
SLOW = r"Executing .+ took .+ seconds"

TOOLS: tuple[Tool, ...] = (
    Tool(
        "ruff",
        "ruff",
        "all code",
        everything,
        "blocking_sleep",
        Lint(RUFF, linting.ruff, STYLE_OF_RUFF),
        Lint((*RUFF, "--preview", "--select=ALL"), linting.ruff, STYLE_OF_RUFF),
        at_best="ruff with all rules",
        says="codes",
    ),
    Tool(
        "flake8-async",
        "flake8-async",
        "event loops",
        event_loops,
        "blocking_sleep",
        Lint(FLAKE8, linting.flake8, NOT_OF_ASYNC),
        Lint(
            (*FLAKE8, "--select=ASYNC", "--asyncio", "--enable=ASYNC", "--disable=ASYNC91"),
            linting.flake8,
        ),
        at_best="flake8-async with its optional rules",
        requirements=("flake8", "flake8-async"),
        says="codes",
    ),
    Tool(
        "flake8-bugbear",
        "flake8-bugbear",
        "all code",
        everything,
        "default_shared_by_calls",
        Lint(FLAKE8, linting.flake8, NOT_OF_BUGBEAR),
        Lint((*FLAKE8, "--select=B,B9"), linting.flake8, "B950"),
        at_best="flake8-bugbear with its optional rules",
        requirements=("flake8", "flake8-bugbear"),
        says="codes",
    ),
    Tool(
        "pylint",
        "pylint",
        "all code",
        everything,
        "everything_caught",
        Lint(PYLINT, linting.pylint, STYLE_OF_PYLINT),
        Lint(
            (*PYLINT, "--enable-all-extensions", "--enable=all"),
            linting.pylint,
            STYLE_OF_PYLINT,
        ),
        at_best="pylint with all extensions",
        says="codes",
    ),
    Tool(
        "mypy",
        "mypy",
        "all code",
        everything,
        "await_left_out",
        Lint(MYPY, linting.mypy),
        Lint(
            (*MYPY, "--strict", *(f"--enable-error-code={each}" for each in MYPY_OPTIONAL)),
            linting.mypy,
        ),
        at_best="mypy --strict with its optional checks",
        says="codes",
    ),
    Tool(
        "pyright",
        "pyright",
        "all code",
        everything,
        "await_left_out",
        Lint(PYRIGHT, linting.pyright, STYLE_OF_PYRIGHT),
        Lint((*PYRIGHT, "-p", "pyrightconfig.json"), linting.pyright, STYLE_OF_PYRIGHT, STRICT),
        at_best="pyright in strict mode",
        requirements=("pyright[nodejs]",),
        says="codes",
    ),
    Tool(
        "bandit",
        "bandit",
        "all code",
        everything,
        "everything_caught",
        Lint(("bandit", "-q", "-f", "json"), linting.bandit, ABOUT_SECURITY),
        says="codes",
    ),
    Tool(
        "python",
        "",
        "all programs",
        everything,
        "await_left_out",
        Run("python", saying(WARNINGS, LOGGED, TRACEBACKS)),
    ),
    Tool(
        "python -X dev",
        "",
        "all programs",
        everything,
        "await_left_out",
        Run("python -X dev", saying(WARNINGS, LOGGED), ("-X", "dev")),
    ),
    Tool(
        "asyncio debug",
        "",
        "event loops",
        event_loops,
        "blocking_sleep",
        Run("PYTHONASYNCIODEBUG=1 python", saying(WARNINGS, LOGGED), environment=DEBUG),
        Run(
            "the same, with loop.slow_callback_duration = 0.05",
            saying(WARNINGS, LOGGED),
            drive="quick_steps",
            environment=DEBUG,
        ),
        at_best="asyncio debug with a slow_callback_duration of 0.05 s",
    ),
    Tool(
        "-W error",
        "",
        "all programs",
        everything,
        "await_left_out",
        Run("python -W error", saying(WARNINGS), ("-W", "error")),
        Run("pytest -W error", saying(WARNINGS), test=CALLS, pytest=("-W", "error")),
        at_best="pytest -W error",
        requirements=("pytest",),
    ),
    Tool(
        "pytest-timeout",
        "pytest-timeout",
        "what hangs",
        hangs,
        "locked_twice",
        Run(
            f"pytest --timeout={HANGS_AFTER}",
            stuck("Timeout"),
            test=CALLS,
            pytest=TIMEOUT,
            waits=True,
        ),
        Run(
            f"pytest --timeout={HANGS_AFTER} --timeout-method=thread",
            stuck("Timeout"),
            test=CALLS,
            pytest=(*TIMEOUT, "--timeout-method=thread"),
            waits=True,
        ),
        at_best="pytest-timeout by its thread method",
        requirements=("pytest", "pytest-timeout"),
        says="stacks",
    ),
    Tool(
        "faulthandler",
        "",
        "what hangs",
        hangs,
        "locked_twice",
        Run("faulthandler.enable()", stuck("Fatal Python error"), drive="dump_crashes"),
        Run(
            f"faulthandler.dump_traceback_later({HANGS_AFTER}, exit=True)",
            stuck("Timeout"),
            drive="dump_stacks",
            waits=True,
        ),
        at_best="faulthandler's dump_traceback_later()",
        says="stacks",
    ),
    Tool(
        "pyleak",
        "pyleak",
        "event loops, and what is left behind",
        leaks,
        "blocking_sleep",
        Run("with no_thread_leaks()", saying(LEAKED), drive="pyleak"),
        Run(
            "the same, with no_task_leaks() and no_event_loop_blocking(0.1) in the loop",
            saying(LEAKED),
            drive="pyleak in the loop",
        ),
        at_best="pyleak inside the loop",
    ),
    Tool(
        "blockbuster",
        "blockbuster",
        "event loops",
        event_loops,
        "blocking_sleep",
        Run("with blockbuster_ctx()", saying(r"BlockingError: .+"), drive="blockbuster"),
    ),
    Tool(
        "aiodebug",
        "aiodebug",
        "event loops",
        event_loops,
        "blocking_sleep",
        Run("log_slow_callbacks.enable(0.05)", saying(SLOW), drive="aiodebug"),
        Run(
            "log_slow_callbacks.enable(0.05), hang_inspection.start()",
            saying(SLOW, r"^Stack.*|^Thread.*"),
            drive="aiodebug hangs",
        ),
        at_best="aiodebug with hang_inspection",
    ),
    Tool(
        "a test",
        "pytest",
        "all programs",
        everything,
        "default_shared_by_calls",
        Run("pytest, once: assert holds(broken())", saying(FAILED), test=ASKS),
        asks=True,
    ),
    Tool(
        "pytest-run-parallel",
        "pytest-run-parallel",
        "all programs",
        everything,
        "needs_two_at_once",
        Run(
            "the test under --parallel-threads=2",
            saying(FAILED),
            test=ASKS,
            pytest=(*PARALLEL, "--parallel-threads=2"),
        ),
        Run(
            "the test under --parallel-threads=4 --iterations=4",
            saying(FAILED),
            test=ASKS,
            pytest=(*PARALLEL, "--parallel-threads=4", "--iterations=4"),
        ),
        at_best="pytest-run-parallel in 4 threads, 4 times",
        requirements=("pytest", "pytest-run-parallel"),
        asks=True,
    ),
    Tool(
        "frontrun",
        "frontrun",
        "threads alone",
        threads_alone,
        "read_then_write",
        Run(
            "frontrun.explore(setup, workers, invariant=holds)",
            saying(r"^frontrun: .+"),
            drive="frontrun",
            environment=FRONTRUN,
            takes_an_order=False,
        ),
        Run(
            "the same with preemption_bound=None, then with strategy='random'",
            saying(r"^frontrun: .+"),
            drive="frontrun unbounded",
            environment=FRONTRUN,
            takes_an_order=False,
        ),
        at_best="frontrun without a bound",
        asks=True,
    ),
    Tool(
        "conlab explore",
        "",
        "threads and tasks of one process",
        one_process,
        "read_then_write",
        Own("conlab explore", "explore"),
        Own("the same, with the cancellations that the pitfall declares", "explore as declared"),
        at_best="conlab explore --cancellations",
        asks=True,
        ours=True,
    ),
    Tool(
        "conlab's judge",
        "",
        "all programs",
        everything,
        "locked_twice",
        Own("judge(file, side, oracle)", "judge"),
        asks=True,
        ours=True,
    ),
)
