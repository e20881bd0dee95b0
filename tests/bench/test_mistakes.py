"""Users' mistakes in a job of their own: each gets one sentence, before anything is measured."""

import re
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from conlab.bench import standstill, trial
from conlab.bench.discovery import Model, own_workload
from conlab.bench.inputs import Inputs
from conlab.bench.measured import Reference
from conlab.bench.measuring import Matrix
from conlab.errors import UserError
from tests.bench.conftest import Write
from tests.bench.made import PROCESSES, SERIAL, THREADS, settings
from tests.patience import patience
from workloads.models import coroutines

COROUTINES = Model("coroutines", coroutines)
MODELS = (SERIAL, COROUTINES, PROCESSES, THREADS)

# The first of these are ../shared/cases/jobs/mistakes, as people wrote them.
MISTAKES = {
    "all_raise": (
        """
        def jobs(): return range(8)
        def work(n):
            raise ValueError("bad input")
        """,
        (
            r"all_raise: every job failed, the first with ValueError: bad input\n"
            r'  all_raise\.py:4, in work\(\): raise ValueError\("bad input"\)'
        ),
    ),
    "client_missing": (
        "def jobs(): return range(5)\ndef work(n, c): return n+c",
        r"work\(n, c\) takes 2 arguments, and each job is one: if c is .* write client\(\)",
    ),
    "client_plain": (
        "def client(): return 5\ndef jobs(): return range(5)\ndef work(n, c): return n+c",
        r"client_plain: client\(\) gives an int, and no context manager; put @contextmanager",
    ),
    "client_unused": (
        """
        from contextlib import contextmanager
        @contextmanager
        def client(): yield 5
        def jobs(): return range(5)
        def work(n): return n
        """,
        r"work\(n\) is given a job and what client\(\) gives; write work\(n, client\)",
    ),
    "closure_work": (
        """
        def make():
            def work(n): return n*2
            return work
        work = make()
        def jobs(): return range(8)
        """,
        r"closure_work: work is made inside of make\(\).*; --models threads needs none of them",
    ),
    "empty_jobs": (
        "def jobs():\n    return iter(())\ndef work(n): return n",
        r"empty_jobs: jobs\(\) gave no job",
    ),
    "filerel": (
        'def jobs(): return range(8)\ndef work(n): return open("nope.txt").read()',
        r"every job failed, .*'nope\.txt'; the current folder is /.*\n  filerel\.py:2, in work\(\)",
    ),
    "gen_once": (
        "G = (n for n in range(8))\ndef jobs(): return G\ndef work(n): return n",
        r"gen_once: jobs\(\) must start anew at each call.*one call gave 8 jobs, the next 0",
    ),
    "global_state": (
        """
        COUNT = 0
        def jobs(): return range(8)
        def work(n):
            global COUNT
            COUNT += 1
            return COUNT
        """,
        r"global_state: work\(\) gives other results from run to run: in result 0: 9, and before 1",
    ),
    "infinite": (
        "import itertools\ndef jobs():\n    return itertools.count()\ndef work(n): return n * n",
        r"infinite: jobs\(\) gave 500 jobs in .* and came to no end; say how many .*--jobs 32",
    ),
    "jobs_raise": (
        (
            'def jobs():\n    yield 1\n    yield 2\n    raise OSError("disk gone")\n'
            "def work(n): return n"
        ),
        r"jobs_raise\.py:4, in jobs\(\): OSError: disk gone",
    ),
    "lambda_jobs": (
        """
        def jobs():
            for n in range(8):
                yield lambda: n
        def work(j): return j()
        """,
        r"lambda_jobs: job 0 cannot be sent to worker processes \(.*lambda.*\); jobs\(\) should",
    ),
    "lambda_work": (
        "jobs = lambda: range(8)\nwork = lambda n: n*2",
        r"lambda_work: work is a lambda; .*write def work\(job\); --models threads needs none",
    ),
    "no_eq": (
        """
        class R:
            def __init__(s,n): s.n=n
        def jobs(): return range(8)
        def work(n): return R(n)
        """,
        (
            r"no_eq: work\(\) gives other results from run to run: no two objects of R are"
            r" equal, as it has no __eq__"
        ),
    ),
    "relimport": (
        "from .helper import f\ndef jobs(): return range(3)\ndef work(n): return f(n)",
        r"imports by a dot from the package around it, and its folder is no package: put an",
    ),
    "rnd": (
        "import random\ndef jobs(): return range(8)\ndef work(n): return random.random()",
        r"rnd: work\(\) gives other results from run to run: in result 0: 0\.\d+, and before 0\.",
    ),
    "stamps": (
        "import time\ndef jobs(): return range(8)\ndef work(n): return time.time()",
        r"stamps: work\(\) gives other results from run to run.*--compare NAME .*--no-compare",
    ),
    "sysexit": (
        "import sys\ndef jobs(): return range(8)\ndef work(n):\n    sys.exit(3)",
        r"sysexit\.py:4, in work\(\): SystemExit: 3; a job may not end the process",
    ),
    "two_args": (
        "def jobs(): return [(1,2),(3,4)]\ndef work(a, b): return a+b",
        r"work\(a, b\) takes 2 arguments, .*let each job be a tuple",
    ),
    "unstable": (
        "import threading\ndef jobs(): return range(8)\ndef work(n): return threading.get_ident()",
        r"unstable-threads gives other results than serial: in result 0: \d+, and serial gives",
    ),
    # Others of the same kinds.
    "list_of_jobs": (
        "jobs = [1, 2]\ndef work(n): return n",
        r"jobs is a list, which only one run .*: def jobs\(\): return \[\.\.\.\]",
    ),
    "no_return": (
        "def jobs(): [1, 2]\ndef work(n): return n",
        r"no_return: jobs\(\) gives None; it should yield the jobs",
    ),
    "text_for_jobs": (
        "def jobs(): return 'a,b'\ndef work(n): return n",
        r"text_for_jobs: jobs\(\) gives text, whose letters would be the jobs",
    ),
    "jobs_async": (
        "async def jobs():\n    yield 1\ndef work(n): return n",
        r"jobs\(\) is written with async.*write def jobs\(\), without async",
    ),
    "jobs_differ": (
        (
            "import random\ndef jobs(): return [random.random() for _ in range(4)]\n"
            "def work(n): return n"
        ),
        r"jobs_differ: jobs\(\) must start anew .*: job 0 was 0\.\d+, and then 0\.\d+;",
    ),
    "work_yields": (
        "def jobs(): return [1]\ndef work(n):\n    yield n",
        r"work\(\) has a yield, so a call of it does nothing yet",
    ),
    "lazy_results": (
        "def jobs(): return [1]\ndef work(n): return map(abs, [n])",
        r"lazy_results: work\(\) gives a map, which is yet to be run through",
    ),
    "results_stay": (
        (
            "import threading\nLOCK = threading.Lock()\ndef jobs(): return [1]\n"
            "def work(n): return LOCK"
        ),
        r"results_stay: what work\(\) gives for job 0, a lock, cannot be sent back",
    ),
    "by_keyword": (
        "def jobs(): return [1]\ndef work(*, n): return n",
        r"work\(\) wants n by keyword, and gets a job and nothing else; write work\(job\)",
    ),
    "no_parameter": (
        "def jobs(): return [1]\ndef work(): return 1",
        r"work\(\) takes no job; write work\(job\)",
    ),
    "in_a_script": (
        "def jobs(): return [1]\nif __name__ == '__main__':\n    def work(n): return n",
        r"it has no work\(\); .*; work\(\) under `if __name__ == '__main__'` is there in a script",
    ),
    "near_miss": (
        "def job(): return [1]\ndef work(n): return n",
        r"it has no jobs\(\); a workload has jobs\(\) and work\(job\); is job\(\) meant to be it\?",
    ),
    "exits_at_import": (
        "import sys\nsys.exit('usage: me FILE')",
        r"importing it raised SystemExit: usage: me FILE \(exits_at_import\.py:2\); what is to run",
    ),
    "imports_what_is_not": (
        "import no_such_module",
        r"importing it raised ModuleNotFoundError: No module named 'no_such_module' \(imports_what",
    ),
    "no_python": ("def jobs(:", r"importing it raised SyntaxError: .* \(no_python\.py:1\)"),
    "client_lacks_decorator": (
        "def client():\n    yield 1\ndef jobs(): return [1]\ndef work(n, c): return n",
        r"client\(\) lacks its decorator: put @contextmanager above it",
    ),
    "client_raises": (
        """
        from contextlib import contextmanager
        @contextmanager
        def client():
            raise ConnectionError("nobody there")
            yield
        def jobs(): return [1]
        def work(n, c): return n
        """,
        r"client_raises\.py:5, in client\(\): ConnectionError: nobody there",
    ),
    "no_await": (
        (
            "def jobs(): return [1]\ndef work(n): return n\nasync def ask(n): return n\n"
            "def work_async(n): return ask(n)"
        ),
        r"work_async\(\) is no coroutine function; write async def",
    ),
    "async_twin_differs": (
        "def jobs(): return [1]\ndef work(n): return n\nasync def work_async(n): return -n",
        r"async_twin_differs-coroutines gives other results than serial: in result 0: -1, and",
    ),
    "only_async_wants_a_client": (
        "def jobs(): return [1]\nasync def work_async(n, c): return n",
        r"work_async\(n, c\) takes 2 arguments, .* write client_async\(\)",
    ),
    "nobody_awaits": (
        (
            "def jobs(): return [1]\ndef work(n): return n\nasync def ask(n): return n\n"
            "async def work_async(n): return ask(n)"
        ),
        r"nobody_awaits: work_async\(\) gave a coroutine that nobody awaited; await it in there",
    ),
    "fails_in_a_group": (
        """
        import asyncio
        def jobs(): return [1]
        async def ask(n): raise ValueError(f"no {n}")
        async def work_async(n):
            async with asyncio.TaskGroup() as group: group.create_task(ask(n))
        """,
        (
            r"every job failed, the first with ExceptionGroup: .*: ValueError: no 1\n"
            r"  fails_in_a_group\.py:4, in ask\(\): async def ask"
        ),
    ),
    "raises_no_exception": (
        (
            "class Stop(BaseException): pass\ndef jobs(): return [1]\n"
            "def work(n): raise Stop('enough')"
        ),
        r"raises_no_exception\.py:3, in work\(\): Stop: enough",
    ),
    "jobs_end_by_force": (
        "def jobs():\n    yield 1\n    raise GeneratorExit\ndef work(n): return n",
        r"jobs_end_by_force\.py:3, in jobs\(\): GeneratorExit",
    ),
    "ends_the_process": (
        "import os\ndef jobs(): return range(3)\ndef work(n):\n    os._exit(0)",
        r"ends_the_process\.py:4, in work\(\): SystemExit: 0; a job may not end the process",
    ),
    "results_come_apart": (
        """
        class Odd(Exception):
            def __init__(self, a, b): super().__init__(a)
        def jobs(): return [1]
        def work(n): return Odd(n, 2)
        """,
        (
            r"results_come_apart: what work\(\) gives for job 0, an Odd, cannot be sent back from a"
            r" worker process \(TypeError: .*missing 1 required positional argument: 'b'"
        ),
    ),
    "jobs_come_apart": (
        """
        class Odd(Exception):
            def __init__(self, a, b): super().__init__(a)
        def jobs(): return [Odd(1, 2)]
        def work(n): return 1
        """,
        r"job 0 cannot be sent to worker processes \(TypeError: .*missing 1 required positional",
    ),
    "says_nothing": (
        "def jobs(): return [1, 2]\ndef work(n): return next(iter([]))",
        r"says_nothing: every job failed, the first with StopIteration\n  says_nothing\.py:2",
    ),
    "closes_the_output": (
        """
        import io, sys
        sys.stdout = io.StringIO()
        def jobs(): return [1]
        def work(n): sys.stdout.close()
        """,
        r"closes_the_output: a job has closed the standard output, where the figures are to",
    ),
    "asserts": (
        "def jobs():\n    assert []\n    yield 1\ndef work(n): return n",
        r"asserts\.py:2, in jobs\(\): AssertionError",
    ),
}


def tried(path: Path, models: tuple[Model, ...] = MODELS, **options: Any) -> Reference:
    """What the first runs give of the workload in that file."""
    workload = own_workload(path)
    chosen = settings(workloads=(workload,), models=models, **options)
    return Matrix(chosen, Inputs(chosen, small=False)).reference(workload)


@pytest.fixture(autouse=True)
def own_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", sys.stdout)


@pytest.fixture(autouse=True)
def few_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "MOST_DRAWN", 500)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_gets_its_sentence(name: str, own_file: Write) -> None:
    source, sentence = MISTAKES[name]
    with pytest.raises(UserError) as caught:
        tried(own_file(f"{name}.py", source))
    said = str(caught.value)
    assert re.search(sentence, said), said
    assert "Traceback" not in said
    first, *lines = said.splitlines()
    assert all(re.match(rf"  {name}\.py:\d+, in \w+\(\): ", line) for line in lines)
    assert first.count("\n") == 0


RIGHT = {
    "arrays": "import numpy as np\ndef jobs(): return range(8)\ndef work(n): return np.arange(n+2)",
    "nans": "def jobs(): return range(8)\ndef work(n): return float('nan')",
    "only_async": """
        import asyncio
        def jobs(): return range(3)
        async def work_async(n):
            await asyncio.sleep(0)
            return n
        """,
    "one_job": """
        import hashlib
        def jobs():
            return [b"x" * 3_000]
        def work(j): return hashlib.sha256(j).hexdigest()
        """,
    "some_raise": """
        def jobs(): return range(8)
        def work(n):
            if n == 3: raise ValueError("bad input")
            return n
        """,
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_no_mistake_is_none(name: str, own_file: Write) -> None:
    first = tried(own_file(f"{name}.py", RIGHT[name]))
    assert first.jobs == {"only_async": 3, "one_job": 1}.get(name, 8)
    note = "1 of 8 jobs failed, the first with ValueError: bad input."
    assert first.note == (note if name == "some_raise" else "")


BLOCKS = """
import queue
QUEUE = queue.Queue()
for n in range(6): QUEUE.put(n)
def jobs():
    while True:
        yield QUEUE.get()
def work(n): return n
"""


def test_jobs_that_block_are_broken_off_and_said_with_their_line(
    own_file: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "PATIENCE", patience(1))  # for what comes before
    with pytest.raises(
        UserError,
        match=(
            r"blocks: jobs\(\) gave 6 jobs in .* and came to no end; it stands at blocks\.py:7, in"
            r" jobs\(\): yield QUEUE\.get\(\); say how many to take: --jobs 6"
        ),
    ):
        tried(own_file("blocks.py", BLOCKS))


def test_where_a_job_stands_that_does_not_come_back_is_said_while_it_does_not(
    own_file: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "PATIENCE", patience(1))
    source = """
    import threading
    HEARD = threading.Event()
    def jobs(): return [1, 2]
    def work(n): return HEARD.wait()
    """
    workload = own_workload(own_file("stands.py", source))
    chosen = settings(workloads=(workload,), models=(SERIAL, THREADS))
    said: list[str] = []

    def say(sentence: str) -> None:
        said.append(sentence)
        workload.hook("HEARD").set()

    assert Matrix(chosen, Inputs(chosen, small=False), say=say).reference(workload).jobs == 2
    assert re.fullmatch(
        r"stands: job 1 of the first run, in serial, has given nothing for \d+ s; it stands at"
        r" stands\.py:5, in work\(\): def work\(n\): return HEARD\.wait\(\)\. Ctrl-C ends this\.",
        said[0],
    )


def test_a_misspelt_name_is_set_right(own_file: Write) -> None:
    path = own_file("my_job.py", "")
    with pytest.raises(UserError, match=r"there is none there; did you mean my_job\.py\?"):
        own_workload(path.with_name("my_jbo.py"))


def test_a_file_that_would_hide_a_library_is_refused(own_file: Write) -> None:
    with pytest.raises(UserError, match="'pluggy' is no name for it or another module's"):
        own_workload(own_file("pluggy.py", RIGHT["nans"]))


@pytest.mark.parametrize(
    ("models", "sent"),
    [((SERIAL, THREADS), False), (MODELS, True)],
    ids=["without processes", "with processes"],
)
def test_what_cannot_be_sent_matters_to_processes_alone(
    models: tuple[Model, ...], sent: bool, own_file: Write
) -> None:
    path = own_file("lambda_jobs.py", MISTAKES["lambda_jobs"][0])
    if not sent:
        assert tried(path, models).jobs == 8
        return
    with pytest.raises(UserError, match="cannot be sent"):
        tried(path, models)


def test_an_end_of_the_jobs_that_was_asked_for_is_one(own_file: Write) -> None:
    assert tried(own_file("infinite.py", MISTAKES["infinite"][0]), jobs=5).jobs == 5


def test_a_number_of_jobs_that_is_known_needs_no_counting(own_file: Write) -> None:
    assert tried(own_file("many.py", "def jobs(): return range(800)\ndef work(n): return n")).jobs


def test_results_may_be_compared_by_a_function_of_the_file(own_file: Write) -> None:
    source = MISTAKES["stamps"][0] + "\ndef near(a, b): return abs(a - b) < 1000\n"
    assert tried(own_file("stamps.py", source), compare="near").jobs == 8


def test_a_comparison_that_raises_says_so_with_its_line(own_file: Write) -> None:
    source = dedent(MISTAKES["stamps"][0]) + "\ndef near(a, b): return a.close(b)\n"
    with pytest.raises(UserError) as caught:
        tried(own_file("stamps.py", source), compare="near")
    assert re.fullmatch(
        r"stamps: --compare near: it raised AttributeError: 'float' object has no attribute"
        r" 'close'\n"
        r"  stamps\.py:4, in near\(\): def near\(a, b\): return a\.close\(b\)",
        str(caught.value),
    )


def test_results_need_not_be_compared(own_file: Write) -> None:
    assert not tried(own_file("rnd.py", MISTAKES["rnd"][0]), compares=False).compared


def test_a_file_inside_a_package_is_imported_as_part_of_it(own_file: Write) -> None:
    own_file("job/__init__.py", "")
    own_file("job/helper.py", "def f(n): return n * 2")
    own_file("job/beside.py", "def g(n): return n + 1")
    path = own_file(
        "job/main_job.py",
        "import beside\nfrom .helper import f\ndef jobs(): return range(8)\n"
        "def work(n): return f(beside.g(n))",
    )
    workload = own_workload(path)
    assert workload.name == "main_job"
    assert workload.module is not None
    assert workload.module.__name__ == "job.main_job"
    assert workload.hook("work")(2) == 6


def test_dear_jobs_are_not_run_twice() -> None:
    assert trial.how_many_twice(8, 160.0) == 0
    assert trial.how_many_twice(8, 8.0) == 1
    assert trial.how_many_twice(100, 10.0) == 10
    assert trial.how_many_twice(8, 0.1) == 8
    assert trial.how_many_twice(8, 0.0) == 8
