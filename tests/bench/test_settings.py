"""Every option: nonsense is refused in one sentence that says what would be right."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conlab.bench import settings
from conlab.bench.settings import Settings
from conlab.errors import UserError
from tests.bench.conftest import Write
from tests.bench.made import PYTEST, ROOT
from tests.patience import patience


class Config:
    """Stands in for pytest's config: the options as they were written."""

    def __init__(self, **options: Any) -> None:
        self.options = options

    def getoption(self, name: str) -> Any:
        return self.options.get(name)


def read(small: bool = False, **options: Any) -> Settings:
    return settings.read(Config(**options), small)


def refusal(**options: Any) -> str:
    with pytest.raises(UserError) as caught:
        read(**options)
    return str(caught.value)


WHOLE = "it should be a whole number from 1 to"


@pytest.mark.parametrize("value", ["0", "-1", "2.5", "many", "", "1e3", "99999999"])
@pytest.mark.parametrize(
    ("option", "most"), [("jobs", "1,000,000"), ("in_flight", "10,000"), ("workers", "")]
)
def test_a_number_that_is_none_is_refused_with_its_range(
    option: str, most: str, value: str
) -> None:
    flag = option.replace("_", "-")
    assert refusal(**{option: value}).startswith(f"--{flag} {value}: {WHOLE} {most}")


@pytest.mark.parametrize("value", ["-1", "60001", "soon", "nan", "inf", ""])
def test_a_latency_that_is_none_is_refused_with_its_range(value: str) -> None:
    assert refusal(latency=value) == (
        f"--latency {value}: it should be milliseconds, a number from 0 to 60000"
    )


@pytest.mark.parametrize("value", ["-1", "86401", "soon", "nan", "inf", ""])
def test_a_time_to_wait_that_is_none_is_refused_with_its_range(value: str) -> None:
    assert refusal(wait_for_quiet=value) == (
        f"--wait-for-quiet {value}: it should be seconds, a number from 0 to 86400"
    )


@pytest.mark.parametrize("value", ["-1", "1.5", "mine", "", "²", "1" * 19])
def test_a_seed_that_is_none_is_refused(value: str) -> None:
    assert refusal(seed=value) == (
        f"--seed {value}: it should be a whole number, such as a run printed"
    )


def test_each_run_draws_its_orders_by_a_seed_of_its_own_or_by_the_one_it_is_given() -> None:
    assert read(seed="17").seed == 17
    assert len({read().seed for _ in range(5)}) == 5
    assert read().wait_for_quiet == 0.0
    assert read(wait_for_quiet="2.5").wait_for_quiet == 2.5


def test_an_unknown_start_method_is_refused_with_those_there_are() -> None:
    sentence = refusal(start_method="thread")
    assert sentence.startswith("--start-method thread: it should be one of ")
    assert "spawn" in sentence


def test_an_unknown_loop_is_refused_with_those_there_are() -> None:
    assert refusal(loop="trio") == "--loop trio: it should be one of asyncio, uvloop"


def test_a_loop_that_is_not_installed_is_refused_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert refusal(loop="uvloop") == "--loop uvloop: it is not installed; pip install uvloop"


@pytest.mark.parametrize("value", ["fibers", "threads,fibers", "", ",", "Threads"])
def test_an_unknown_model_is_refused_with_those_there_are(value: str) -> None:
    sentence = refusal(models=value)
    assert sentence.startswith(f"--models {value}: ")
    assert "is none of serial, cluster, coroutines, hybrid" in sentence


@pytest.mark.parametrize("value", ["count_word", "count_words,models", ""])
def test_an_unknown_workload_is_refused_with_those_there_are(value: str) -> None:
    sentence = refusal(workloads=value)
    assert sentence.startswith(f"--workloads {value}: ")
    assert "is none of count_words, dispatch_tasks, download_files" in sentence


@pytest.mark.parametrize(
    "value",
    ["local", "host:8786", "tcp://host", "tcp://:8786", "tcp://host:port", "tcp://host:65536", ""],
)
def test_an_address_that_is_none_of_a_scheduler_is_refused(value: str) -> None:
    assert refusal(cluster=value) == (
        f"--cluster {value}: it should be tcp://host:port, with a port from 1 to 65535"
    )


@pytest.mark.parametrize("option", ["images", "texts", "site"])
@pytest.mark.parametrize("value", ["", "nowhere", "~nobody-of-this-name/photos", __file__])
def test_a_folder_that_is_none_is_refused(option: str, value: str) -> None:
    assert refusal(**{option: value}) == (
        f"--{option} {value}: it should be a folder, and there is none of that name"
    )


def test_a_folder_without_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "only" / "folders").mkdir(parents=True)
    assert (
        refusal(texts=str(tmp_path))
        == f"--texts {tmp_path}: the folder holds no file that can be read"
    )


@pytest.mark.parametrize("value", ["", "nowhere.txt", "~nobody-of-this-name/urls", "."])
def test_a_file_that_is_none_is_refused(value: str) -> None:
    assert refusal(urls=value) == (
        f"--urls {value}: it should be a file, and there is none of that name"
    )


def test_an_own_workload_named_like_one_of_the_suite_is_refused(own_file: Write) -> None:
    path = own_file("count_words.py", "def jobs(): ...\ndef work(job): ...")
    assert refusal(workload=[str(path)]).startswith(
        f"--workload {path}: the suite has a workload count_words of its own"
    )


def test_without_options_everything_runs() -> None:
    chosen = read()
    assert {"count_words", "download_files"} < {w.name for w in chosen.workloads}
    assert chosen.models[0].name == "serial"
    assert {"threads", "processes", "coroutines"} < {m.name for m in chosen.models}
    assert (chosen.in_flight, chosen.latency, chosen.jobs) == (32, 0.02, None)
    assert chosen.workers == settings.usable_cores()


def test_tests_run_a_small_size() -> None:
    chosen = read(small=True)
    assert (chosen.in_flight, chosen.latency, chosen.jobs) == (4, 0.001, 8)


def test_odd_but_right_values_pass(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "text").write_text("words")
    chosen = read(
        jobs=" 7 ",
        in_flight="1",
        workers="64",
        latency="0.5",
        models=" threads , coroutines,threads",
        workloads="count_words,",
        cluster="tcp://[::1]:8786",
        texts=str(tmp_path / "a b"),
    )
    assert (chosen.jobs, chosen.in_flight, chosen.workers, chosen.latency) == (7, 1, 64, 0.0005)
    assert [model.name for model in chosen.models] == ["serial", "coroutines", "threads"]
    assert [workload.name for workload in chosen.workloads] == ["count_words"]
    assert chosen.cluster == "tcp://[::1]:8786"
    assert chosen.texts == tmp_path / "a b"


def test_a_relative_folder_is_one_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a").write_text("words")
    monkeypatch.chdir(tmp_path)
    assert read(texts="texts").texts == tmp_path / "texts"


def test_own_workloads_stand_in_place_of_the_suite_s(own_file: Write) -> None:
    path = own_file("my_job.py", "def jobs(): ...\ndef work(job): ...")
    assert [w.name for w in read(workload=[str(path)]).workloads] == ["my_job"]


def test_workloads_named_beside_own_ones_run_after_them(own_file: Write) -> None:
    path = own_file("my_job.py", "def jobs(): ...\ndef work(job): ...")
    chosen = read(workload=[str(path)], workloads="count_words")
    assert [w.name for w in chosen.workloads] == ["my_job", "count_words"]


def test_an_own_workload_named_twice_runs_once(own_file: Write) -> None:
    path = own_file("my_job.py", "def jobs(): ...\ndef work(job): ...")
    assert len(read(workload=[str(path), str(path)]).workloads) == 1


def pytest_says(*arguments: str) -> tuple[int, str]:
    python, *module = PYTEST
    command = [python, "-P", *module, *arguments]  # as `pytest` does, the clone not on its path
    run = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(60),
    )
    return run.returncode, run.stdout + run.stderr


def test_pytest_says_the_sentence_and_nothing_else() -> None:
    status, said = pytest_says("--benchmark-only", "--in-flight", "none")
    assert (status, said.strip()) == (
        4,
        f"ERROR: --in-flight none: {WHOLE} 10,000",
    )


def test_a_job_that_is_wrong_ends_pytest_as_a_usage_error_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "my_job.py"
    path.write_text("def jobs(): return [1]\ndef work(n): raise ValueError('bad input')\n")
    status, said = pytest_says("--benchmark-only", "--workload", str(path))
    assert status == 4
    assert said.count("ERROR") == 1
    assert (
        "ERROR: my_job: every job failed, the first with ValueError: bad input\n"
        "  my_job.py:2, in work(): def work(n): raise ValueError('bad input')\n"
    ) in said
    assert "collected 7 items" in said  # its cells, and nothing of the suite


def test_a_path_outside_the_clone_may_follow_its_option_after_a_blank(tmp_path: Path) -> None:
    path = tmp_path / "my_job.py"
    path.write_text("")
    status, said = pytest_says("--workload", str(path))
    assert status == 4
    assert said.strip().startswith(f"ERROR: --workload {path}: it has no jobs()")
