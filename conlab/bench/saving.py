"""Wires pytest-benchmark's saved runs into the bench: whose they are, and what must be there.

Its folder name knows neither the GIL nor the cores, and where a run has nothing to be compared
with, it passes.
"""

import warnings
from typing import Any

import pytest
from pytest_benchmark.utils import get_machine_id

from conlab.bench import settings
from conlab.terminal import plain

COMPARE = pytest.StashKey[Any]()
COMPLAINT = pytest.StashKey[str]()
OF_THE_MOMENT = ("hz_actual", "hz_actual_friendly")  # a clock's speed, which is no machine's name
SAVES_OR_COMPARES = ("save", "autosave", "compare", "compare_fail")


def check_options(config: pytest.Config) -> None:
    """Hold back what to compare with until the folder is known.

    Raises:
        pytest.UsageError: an option to save or compare has nothing to act on.
    """
    for name in SAVES_OR_COMPARES:
        given = config.getoption(f"benchmark_{name}", None)
        if given and not config.getoption("benchmark_only", False):
            option = name.replace("_", "-")
            raise pytest.UsageError(
                f"--benchmark-{option} needs --benchmark-only beside it: without that,"
                " nothing is timed"
            )
    config.stash[COMPARE] = config.getoption("benchmark_compare", [])
    if config.getoption("benchmark_compare_fail", None) and not config.stash[COMPARE]:
        raise pytest.UsageError(
            "--benchmark-compare-fail needs --benchmark-compare beside it, which says with what"
        )
    config.option.benchmark_compare = []


@pytest.hookimpl(trylast=True)  # after pytest-benchmark's own, which is trylast as well
def pytest_configure(config: pytest.Config) -> None:
    """Name the folder, and only then load what the run is compared with."""
    session = _session(config)
    if session is None or COMPARE not in config.stash:
        return
    _name_folder(session)
    session.compare = config.option.benchmark_compare = config.stash[COMPARE]
    if not session.compare:
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        session.handle_loading()
    if session.compared_mapping:
        for warning in caught:
            warnings.warn(warning.message, stacklevel=1)
        return
    wanted = "" if session.compare is True else f" matches {str(session.compare)!r}"
    damaged = [str(w.message) for w in caught if str(w.message).startswith("Failed to load")]
    raise pytest.UsageError(
        f"--benchmark-compare: no saved run of this machine ({session.machine_id}) in"
        f" {session.storage}{wanted}; a run with --benchmark-autosave makes one"
        + "".join(f"\n{plain(sentence)}" for sentence in damaged)
    )


def pytest_benchmark_update_machine_info(
    config: pytest.Config, machine_info: dict[str, Any]
) -> None:
    """Add what tells two machines apart, and leave out what tells two moments apart."""
    session = _session(config)
    if session is not None:
        _name_folder(session)  # an import may have switched the GIL on since
    machine_info["free_threaded"] = settings.free_threaded()
    machine_info["gil"] = settings.gil_enabled()
    machine_info["usable_cores"] = settings.usable_cores()
    for name in OF_THE_MOMENT:
        machine_info.get("cpu", {}).pop(name, None)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a comparison in which a benchmark, or every one, had nothing to be compared with."""
    benchmarks = _session(session.config)
    if benchmarks is None or not benchmarks.compare:
        return
    timed = [each.fullname for each in benchmarks.benchmarks if each and not each.has_error]
    known = {name for saved in benchmarks.compared_mapping.values() for name in saved}
    missing = [name for name in timed if name not in known]
    if not timed:
        complaint = "no benchmark was timed, so none was compared"
    elif len(missing) == len(timed):
        complaint = "the saved run holds none of these benchmarks, so none was compared"
    elif missing and benchmarks.compare_fail:
        complaint = "the saved run does not hold " + ", ".join(missing)
    else:
        return
    session.config.stash[COMPLAINT] = f"--benchmark-compare: {complaint}"
    if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(tryfirst=True)  # pytest-benchmark's own raises when something has regressed
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say why the comparison failed."""
    if complaint := config.stash.get(COMPLAINT, None):
        terminalreporter.write_line(complaint, red=True, bold=True)


def _session(config: pytest.Config) -> Any:
    """What pytest-benchmark registers as its session, or None where it is switched off."""
    return config.pluginmanager.get_plugin("pytest-benchmark")


def _name_folder(session: Any) -> None:
    """Name the folder of this machine. There is no hook for that, but the storage has a field."""
    session.machine_id = session.storage.default_machine_id = folder(
        get_machine_id(),  # type: ignore[no-untyped-call]  # it has no annotations
        free_threaded=settings.free_threaded(),
        gil=settings.gil_enabled(),
        cores=settings.usable_cores(),
    )


def folder(base: str, *, free_threaded: bool, gil: bool, cores: int) -> str:
    """The folder's name: pytest-benchmark's, the build, the state of the GIL and the cores."""
    build = "-free_threaded" if free_threaded else ""
    return f"{base}{build}-{'gil' if gil else 'nogil'}-{cores}cores"
