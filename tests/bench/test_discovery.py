"""Workloads, models and their variants are found by their files and paired into cells."""

import sys
from pathlib import Path

import pytest

from conlab.bench import discovery
from conlab.bench.discovery import Cell, Model, Workload, cells, own_workload
from conlab.errors import UserError
from tests.bench.conftest import Write
from tests.bench.made import PROCESSES, SERIAL, THREADS, model, workload

WORKLOADS = {found.name: found for found in discovery.workloads()}
MODELS = {found.name: found for found in discovery.models()}


def labels(name: str) -> list[str]:
    return [cell.label for cell in cells(WORKLOADS[name], MODELS.values())]


def named(name: str, label: str) -> Cell:
    return next(c for c in cells(WORKLOADS[name], MODELS.values()) if c.label == label)


def test_helpers_of_workloads_and_models_are_none() -> None:
    assert "http_client" not in WORKLOADS
    assert "failure" not in MODELS


def test_serial_is_the_first_model() -> None:
    assert next(iter(MODELS)) == "serial"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("download_files", "coroutines_httpx"),
        ("count_words", "threads_one_dict"),
        ("dispatch_tasks", "processes_by_64"),
        ("fetch_and_resize", "hybrid"),
    ],
)
def test_a_variant_is_a_cell_of_its_own(name: str, label: str) -> None:
    assert labels(name).count(label) == 1


def test_a_variant_of_a_function_uses_it_and_the_client_of_its_name() -> None:
    cell = named("download_files", "coroutines_httpx")
    module = WORKLOADS["download_files"].module
    assert module is not None
    assert cell.work() is module.work_async_httpx
    assert cell.client() is module.client_async_httpx


def test_a_variant_of_a_model_drives_it_in_its_own_way() -> None:
    module = WORKLOADS["count_words"].module
    assert module is not None
    assert named("count_words", "threads_one_dict").drive() is module.threads_one_dict
    assert named("count_words", "threads").drive() is module.drive
    assert named("resize_images", "threads").drive() is discovery.listed


def test_the_twin_of_work_is_no_variant_of_it() -> None:
    assert "serial_async" not in labels("download_files")
    assert "threads_async_httpx" not in labels("download_files")


def test_a_workload_has_a_cell_for_each_model() -> None:
    found = cells(workload(), [SERIAL, PROCESSES, THREADS])
    assert [cell.label for cell in found] == ["serial", "processes", "threads"]


def test_a_cell_of_a_model_that_cannot_be_here_is_absent() -> None:
    fibers = Model("threads", model("fibers", map).module)
    fibers.module.absent = lambda: "needs fibers"  # type: ignore[attr-defined]
    assert cells(workload(), [SERIAL, fibers])[1].absent() == "needs fibers"


@pytest.mark.parametrize(
    ("name", "label", "reason"),
    [
        ("count_words", "coroutines", "has no work_async: it never waits"),
        ("count_words", "hybrid", "has no fetch_async: it does not wait first"),
    ],
)
def test_an_absent_cell_has_a_reason(name: str, label: str, reason: str) -> None:
    assert str(named(name, label).absent()).startswith(reason)


def test_interpreters_are_there_from_3_14_on() -> None:
    absent = named("count_words", "interpreters").absent()
    assert (absent is None) == (sys.version_info >= (3, 14))


def test_a_workload_that_cannot_be_imported_is_absent_under_every_model() -> None:
    broken = Workload("need_more", None, "No module named 'more' on this Python")
    found = cells(broken, [SERIAL, THREADS])
    assert [(cell.label, cell.absent()) for cell in found] == [
        ("serial", "No module named 'more' on this Python"),
        ("threads", "No module named 'more' on this Python"),
    ]


def test_constants_are_what_is_written_in_capitals() -> None:
    constants = WORKLOADS["resize_images"].constants()
    assert constants["JOBS"] == 16
    assert all(name.isupper() for name in constants)


# Files of the reader's own

GOOD = """
    '''Jobs of mine.'''

    def jobs():
        return range(3)

    def work(job):
        return job + 1
"""


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        own_workload(path)
    sentence = str(caught.value)
    assert sentence.startswith(f"{path}: ")
    return sentence.removeprefix(f"{path}: ")


def test_an_own_file_is_a_workload_of_its_name(own_file: Write) -> None:
    found = own_workload(own_file("my_job.py", GOOD))
    assert found.name == "my_job"
    assert found.hook("work")(1) == 2


def test_an_own_file_may_lie_in_a_folder_with_spaces(own_file: Write) -> None:
    assert own_workload(own_file("my jobs/my_job.py", GOOD)).name == "my_job"


def test_an_own_file_may_be_named_by_a_relative_path(
    own_file: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = own_file("jobs_of_mine/my_job.py", GOOD)
    monkeypatch.chdir(path.parent.parent)
    found = own_workload(Path("jobs_of_mine/my_job.py"))
    assert found.module is not None
    assert found.module.__file__ == str(path)
    assert str(path.parent) in sys.path  # which worker processes inherit


@pytest.mark.parametrize("name", ["nowhere.py", "."])
def test_an_own_file_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path / name) == "it should be a Python file, and there is none there"


def test_an_own_file_that_is_no_python_file_is_refused(own_file: Write) -> None:
    assert "should be a Python file" in refusal(own_file("my_job.txt", GOOD))


@pytest.mark.parametrize("name", ["turtle.py", "my-job.py", "3_jobs.py", "pytest.py"])
def test_a_name_that_workers_cannot_import_is_refused(own_file: Write, name: str) -> None:
    assert "rename the file" in refusal(own_file(name, GOOD))


@pytest.mark.parametrize("function", ["jobs", "work"])
def test_an_own_file_that_lacks_a_function_is_refused(own_file: Write, function: str) -> None:
    path = own_file("my_job.py", GOOD.replace(f"def {function}", f"def _{function}"))
    assert refusal(path) == f"it has no {function}(); a workload has jobs() and work(job)"


def test_an_own_file_whose_work_is_a_coroutine_function_is_refused(own_file: Write) -> None:
    path = own_file("my_job.py", GOOD.replace("def work", "async def work"))
    assert "call it work_async()" in refusal(path)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit('no arguments')", "SystemExit: no arguments"),
        ("def (", "SyntaxError: "),
    ],
)
def test_an_own_file_that_cannot_be_imported_is_refused_with_the_error(
    own_file: Write, line: str, error: str
) -> None:
    assert refusal(own_file("my_job.py", line)).startswith(f"importing it raised {error}")
