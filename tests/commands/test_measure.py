"""`conlab measure`: what it refuses, what it says of a job that fails, what it writes."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from conlab import cli
from conlab.extras import how_to_install
from tests.bench.conftest import Write
from tests.models.jobs import wait_until
from tests.patience import patience

JOB = """
def jobs():
    return range(4)


def work(job):
    {work}
"""


def job(folder: Path, work: str = "return job * job", name: str = "my_own_job.py") -> str:
    path = folder / name
    path.write_text(JOB.format(work=work))
    return str(path)


def measured(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "conlab", "measure", "--models", "threads", *arguments],
        env=os.environ | {"COLUMNS": "120"} | environment,
        capture_output=True,
        text=True,
        timeout=patience(100),
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no_such_job.py"], r"no_such_job\.py: it should be a Python file, and there is none"),
        (["{job}", "--models", "fibres"], "--models fibres: 'fibres' is none of serial, "),
        (["{job}", "--jobs", "0"], "--jobs 0: it should be a whole number from 1 to 1,000,000"),
        (["{job}", "--json", "nowhere/out.json"], r"--json nowhere/out\.json: there is no folder"),
        (["{job}", "--json", "{folder}"], "--json .*: this is a folder; name a file in it"),
        (["{job}", "--images", "{folder}/none"], "--images .*: it should be a folder"),
        (["{job}", "--texts", "{folder}"], "--texts .*: of another_job none reads it"),
        (["{job}", "--seconds", "soon"], "--seconds soon: it should be seconds, a number from 1"),
        (["{job}", "--compare", "near"], r"--compare near: another_job has no near\(\); it should"),
        (["{job}", "--compare", "work", "--no-compare"], "--compare work and --no-compare: one of"),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value[-2:]),
)
def test_a_mistake_gets_one_sentence_and_nothing_is_measured(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = job(tmp_path, name="another_job.py")
    given = [part.format(job=file, folder=tmp_path) for part in arguments]
    assert cli.obey(["measure", *given]) == cli.MISTAKE
    out, err = capsys.readouterr()
    assert out == ""
    assert re.match(f"conlab: {sentence}", err)
    assert err.count("\n") == 1
    sys.modules.pop("another_job", None)


def test_without_what_measures_it_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pytest_benchmark", None)
    assert cli.obey(["measure", job(tmp_path)]) == cli.MISTAKE
    said = f"conlab: measure needs pytest_benchmark: {how_to_install('suite')}"
    assert capsys.readouterr().err.startswith(said)


def test_a_job_that_always_fails_is_said_once_as_a_mistake(
    own_file: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out.json"
    path.write_text('{"machine_info": "what was there before"}')
    file = own_file("my_own_job.py", JOB.format(work="raise ValueError(job)"))
    status = cli.obey(["measure", str(file), "--models", "threads", "--json", str(path)])
    assert status == cli.MISTAKE
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "conlab: my_own_job: every job failed, the first with ValueError: 0\n"
        "  my_own_job.py:7, in work(): raise ValueError(job)\n"
    )
    assert path.read_text() == '{"machine_info": "what was there before"}'


def test_a_job_that_only_a_model_shows_to_be_wrong_is_said_once_and_has_no_table(
    own_file: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "import os\n" + JOB.format(work="return os.getpid()")
    file = own_file("my_own_job.py", source)
    assert cli.obey(["measure", str(file), "--models", "processes"]) == cli.MISTAKE
    out, err = capsys.readouterr()
    assert re.fullmatch(r"my_own_job, 4 jobs of .*\d.*\.\n", out, re.DOTALL)  # such as 1.2 s
    assert re.fullmatch(
        r"conlab: my_own_job-processes gives other results than serial: in result 0: \d+, and"
        r" serial gives \d+; .*\n",
        err,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_process_that_a_job_forked_does_not_go_on_with_the_run(tmp_path: Path) -> None:
    forks = "import os; pid = os.fork()\n    if pid == 0: return -1\n    os.waitpid(pid, 0)"
    done = measured(job(tmp_path, forks, name="forks.py"))
    assert done.returncode == cli.MISTAKE
    assert done.stdout == ""
    assert re.fullmatch(
        r"conlab: forks: a process that a job had forked came out of the job, .*\n", done.stderr
    )


def test_a_thread_of_the_job_s_that_does_not_end_is_named_and_not_waited_for(
    tmp_path: Path,
) -> None:
    waits = "threading.Thread(target=threading.Event().wait, name='heart').start()"
    path = tmp_path / "beats.py"
    path.write_text(f"import threading\n{waits}\njobs = lambda: []\ndef work(n): return n\n")
    done = measured(str(path))
    assert done.returncode == cli.MISTAKE
    assert re.fullmatch(
        r"conlab: \S+beats\.py: it has started a thread that does not end, heart, .*\n"
        r"conlab: beats: jobs\(\) gave no job; .*\n",
        done.stderr,
    )


def test_a_file_that_reads_its_arguments_gets_none_of_the_command_s(
    own_file: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    source = """
    import argparse
    PARSER = argparse.ArgumentParser()
    PARSER.add_argument("folder")
    PARSER.parse_args()
    """
    path = own_file("wants_a_folder.py", source)
    assert cli.obey(["measure", str(path)]) == cli.MISTAKE
    said = capsys.readouterr().err
    assert "wants_a_folder.py: error: the following arguments are required: folder" in said
    assert said.endswith(
        "importing it raised SystemExit: 2 (wants_a_folder.py:5); what is to run as a script"
        " belongs under if __name__ == '__main__'\n"
    )


def test_what_an_encoding_lacks_is_written_all_the_same(tmp_path: Path) -> None:
    ended = measured(job(tmp_path), "--models", "serial", PYTHONIOENCODING="ascii")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "ms \\xb1" in ended.stdout or "s \\xb1" in ended.stdout


def test_every_figure_is_in_the_json(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    ended = measured(job(tmp_path), "--json", str(path))
    assert ended.returncode == 0, ended.stderr
    found = json.loads(path.read_text())
    cells = {one["name"]: one["extra_info"] for one in found["benchmarks"]}
    assert cells["bench_cell[my_own_job-threads]"]["speedup"] > 0
    assert set(found["concurrency_lab"]["absent"]) == set()
    assert sorted(part.name for part in tmp_path.iterdir() if part.is_file()) == [
        "my_own_job.py",
        "out.json",
    ]


def test_a_reader_s_own_package_of_the_suite_s_name_is_the_reader_s(tmp_path: Path) -> None:
    """Also in a clone, where the suite's workloads lie beside conlab."""
    (tmp_path / "workloads").mkdir()
    (tmp_path / "workloads" / "__init__.py").write_text("def square(n):\n    return n * n\n")
    path = tmp_path / "square_mine.py"
    path.write_text("from workloads import square\n" + JOB.format(work="return square(job)"))
    ended = measured(str(path), "--models", "threads,processes")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.findall(r"^(processes|threads|serial) ", ended.stdout, re.MULTILINE)


@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl-C goes to a whole console")
def test_ctrl_c_ends_it_and_leaves_no_process(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    work = f"import pathlib, time; pathlib.Path({str(begun)!r}).touch(); time.sleep(0.2)"
    with subprocess.Popen(
        [sys.executable, "-m", "conlab", "measure", job(tmp_path, work), "--models", "processes"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            wait_until(begun.exists)
            tree = psutil.Process(child.pid).children(recursive=True)
            child.send_signal(signal.SIGINT)
            _, err = child.communicate(timeout=patience(60))
        finally:
            child.kill()
    assert child.returncode == cli.INTERRUPTED
    assert "Traceback" not in err
    wait_until(lambda: not any(one.is_running() for one in tree))
