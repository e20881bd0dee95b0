"""Reading a pitfall: what a file lacks is said; what it declares for a build holds there alone."""

import ast
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


def test_what_is_different_elsewhere_is_taken_and_what_is_no_declaration_is_not() -> None:
    module = ast.parse(
        'FAILURE = "leak"\nSHOWS = "hung"\nEVIDENCE = "judged"\n'
        'VERSIONS = {">=3.0": {"SHOWS": "returned 0", "DETECT": {}}}'
    )
    declared = pitfall._declared(module, Path("made.py"))
    assert declared["SHOWS"] == "returned 0"
    assert "DETECT" not in declared


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
