"""Reading a pitfall: what a file lacks is said; what it declares for a build holds there alone."""

from pathlib import Path

import pytest

from conlab.catalogue import pitfall
from conlab.errors import UserError


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("Symptom: ", "lacks a paragraph 'Symptom'"),
        ("fixed() ->", "lacks a function fixed()"),
        ("SHOWS", "does not declare SHOWS"),
        ('"wrong result"', "FAILURE is 'bad luck'"),
        ('EVIDENCE = "explored"', "declares HARMLESS for every build"),
    ],
)
def test_a_file_that_lacks_something_is_told_what(tmp_path: Path, missing: str, said: str) -> None:
    whole = pitfall.find("lost_update").path.read_text()
    assert missing in whole
    instead = {
        '"wrong result"': '"bad luck"',
        "fixed() ->": "other() ->",
        'EVIDENCE = "explored"': 'EVIDENCE = "explored"\nHARMLESS = True',
    }
    lacking = instead.get(missing, "OTHER")
    file = tmp_path / "lacking.py"
    file.write_text(whole.replace(missing, lacking))
    with pytest.raises(UserError, match=r".") as told:
        pitfall.read(file)
    assert said in str(told.value)


def test_the_tools_that_detect_it_are_the_same_whichever_build_reads_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tools = []
    for build in ("3.11", "3.14", "3.14t"):
        monkeypatch.setattr(pitfall, "this_build", lambda build=build: build)
        tools.append(pitfall.find("fork_with_threads").tools)
    assert tools == [("python -X dev", "pytest-timeout")] * 3


@pytest.mark.parametrize(
    ("condition", "build", "expected"),
    [
        ("<3.12", "3.11", True),
        ("<3.12", "3.12", False),
        (">=3.14", "3.14t", True),
        (">=3.14", "3.9", False),
        ("free-threaded", "3.13t", True),
        ("free-threaded", "3.13", False),
    ],
)
def test_a_condition_is_true_of_the_builds_that_it_names(
    condition: str, build: str, expected: bool
) -> None:
    assert pitfall.applies(condition, build) is expected
