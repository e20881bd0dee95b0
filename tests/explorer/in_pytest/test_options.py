"""The plugin's options are in nobody's way, and a session that explores nothing imports nothing."""

import subprocess
import sys

import pytest

from tests.explorer.in_pytest.runs import NOTHING_ELSE

pytest_plugins = ["pytester"]

CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=1)
    parser.addoption("--jobs", type=int)
    parser.addoption("--step", action="store_true")
    parser.addoption("--bound", type=int)
    parser.addoption("--seconds", type=float)
    parser.addini("step", "what is stepped")
    parser.addini("seed", "what is drawn from")
"""
TAKEN = """
    parser.addoption("--together", action="store_true")
    parser.addoption("--explore-seconds", default="theirs")
"""


@pytest.mark.parametrize("ours", [[], ["--together", "2"], ["--explore-seconds", "1"]])
def test_another_conftest_has_options_of_such_names(
    pytester: pytest.Pytester, ours: list[str]
) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        """
        def test_options(request):
            option = request.config.option
            assert (option.seed, option.jobs, option.step, option.bound) == (4, 2, True, 3)
        """
    )
    theirs = ["--seed", "4", "--jobs", "2", "--step", "--bound", "3", "--seconds", "2"]
    result = pytester.runpytest_subprocess(*NOTHING_ELSE, *theirs, *ours)
    result.assert_outcomes(skipped=1) if "--together" in ours else result.assert_outcomes(passed=1)


def test_another_conftest_has_the_very_same_options(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST + TAKEN)
    pytester.makepyfile(
        """
        def test_options(request):
            assert request.config.getoption("together") is True
            assert request.config.getoption("explore_seconds") == "theirs"
        """
    )
    file = "test_another_conftest_has_the_very_same_options.py"
    result = pytester.runpytest_subprocess(*NOTHING_ELSE, "--together", file)
    result.assert_outcomes(passed=1)
    result = pytester.runpytest_subprocess(*NOTHING_ELSE, "--together", "--conlab-together", "2")
    result.assert_outcomes(skipped=1)
    assert "no verdict: the 2 bodies shared nothing" in result.stdout.str()


def test_the_tests_of_a_project_are_found_beside_a_value(pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml("[tool.pytest]\ntestpaths = ['checks']\n")
    pytester.mkdir("checks")
    checks = pytester.path / "checks"
    (checks / "conftest.py").write_text(CONFTEST)
    (checks / "test_it.py").write_text("def test_it(request):\n    request.config.option.seed\n")
    result = pytester.runpytest_subprocess(*NOTHING_ELSE, "--together", "2", "--seed=3")
    result.assert_outcomes(skipped=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--together", "1"], "--together=1: say 2 to 5"),
        (["--together", "two"], "invalid int value: 'two'"),
        (["--explore-seconds", "0"], "--explore-seconds=0: say more than 0"),
    ],
)
def test_nonsense_is_refused_once(
    pytester: pytest.Pytester, arguments: list[str], message: str
) -> None:
    pytester.makepyfile("def test_it(): ...")
    result = pytester.runpytest_subprocess(*NOTHING_ELSE, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()


def test_a_session_that_explores_nothing_imports_no_explorer(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it():
            assert "conlab.pytest_plugin" in sys.modules
            assert not [name for name in sys.modules if name.startswith("conlab.explorer")]
        """
    )
    command = [sys.executable, "-m", "pytest", *NOTHING_ELSE]
    ended = subprocess.run(command, cwd=pytester.path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    assert "explored" not in ended.stdout


def test_what_is_installed_is_stepped_by_its_name(pytester: pytest.Pytester) -> None:
    outside = pytester.mkdir("site-packages")
    (outside / "installed.py").write_text(
        "class Count:\n    number = 0\n    def add(self):\n        self.number += 1\n"
    )
    pytester.makepyprojecttoml("[tool.pytest]\npythonpath = ['site-packages']\n")
    pytester.makepyfile(
        """
        import pytest
        from installed import Count

        @pytest.fixture
        def count():
            return Count()

        def test_add(count):
            before = count.number
            count.add()
            assert count.number > before
        """
    )
    result = pytester.runpytest_subprocess(*NOTHING_ELSE, "--together", "2")
    without = result.stdout.str()
    result = pytester.runpytest_subprocess(
        *NOTHING_ELSE, "--together", "2", "--explore-step", "installed"
    )
    assert "installed.py" not in without
    assert "1 explored:" in result.stdout.str()
    assert "installed.py" in result.stdout.str() or "passes every schedule" in result.stdout.str()
