"""An exercise has the broken side and what is given, and nothing that tells the fix."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conlab.catalogue import pitfall
from conlab.catalogue.pitfall import DECLARED, Pitfall
from conlab.study.exercise import MENDED, exercise_of, program_of
from conlab.study.parts import names_bound_by, parts_of
from tests.patience import patience

every_pitfall = pytest.mark.parametrize("pitfall", pitfall.collect(), ids=str)


@every_pitfall
def test_an_exercise_compiles_and_defines_all_that_it_needs(pitfall: Pitfall) -> None:
    text = exercise_of(pitfall)
    names: dict[str, object] = {"__name__": "exercise"}
    exec(compile(text, "exercise.py", "exec"), names)
    parts = parts_of(pitfall.path.read_text("utf-8"))
    assert callable(names[MENDED])
    assert (parts.given | parts.to_mend) - {"broken"} <= set(names)


@every_pitfall
def test_an_exercise_does_not_tell_the_fix(pitfall: Pitfall) -> None:
    text = exercise_of(pitfall)
    names = {name for node in ast.parse(text).body for name in names_bound_by(node)}
    assert not names & (parts_of(pitfall.path.read_text("utf-8")).of_the_fix | set(DECLARED))
    assert "\nFix:" not in text


@every_pitfall
def test_the_program_of_a_quiz_does_not_tell_its_name(pitfall: Pitfall) -> None:
    program = program_of(pitfall)
    ast.parse(program)
    assert pitfall.name not in program
    assert not re.search(r"\b(broken|fixed)\(", program)


def test_an_exercise_can_be_run_alone(tmp_path: Path) -> None:
    file = tmp_path / "my_fix.py"
    file.write_text(exercise_of(pitfall.find("forgotten_await")))
    done = subprocess.run(
        [sys.executable, file], capture_output=True, text=True, timeout=patience(60), check=True
    )
    assert done.stdout == "Saved []: wrong\n"
