"""An exercise has the broken side and what is given, and nothing that tells the fix."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conlab.catalogue import pitfall
from conlab.catalogue.pitfall import DECLARED, Pitfall
from conlab.study.exercise import MENDED, SLOW, exercise_of, program_of
from conlab.study.parts import is_main, names_bound_by, parts_of
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
def test_an_exercise_has_all_that_a_side_runs_also_by_its_name_in_another_process(
    pitfall: Pitfall,
) -> None:
    """Whatever is defined for the sides: what is in neither of these is for the file run alone."""
    module = ast.parse(pitfall.path.read_text("utf-8"))
    parts = parts_of(pitfall.path.read_text("utf-8"))
    run_alone = {
        part.id
        for node in module.body
        if is_main(node)
        for part in ast.walk(node)
        if isinstance(part, ast.Name)
    }
    assert set(parts.defined) <= parts.given | parts.to_mend | parts.of_the_fix | run_alone


def test_what_another_process_runs_by_its_name_is_given(tmp_path: Path) -> None:
    text = exercise_of(pitfall.find("shared_memory_lifetime"))
    assert "Read ['hello', 'FileNotFoundError']: wrong" in run_alone(tmp_path / "my_fix.py", text)


@every_pitfall
def test_an_exercise_does_not_tell_the_fix(pitfall: Pitfall) -> None:
    text = exercise_of(pitfall)
    names = {name for node in ast.parse(text).body for name in names_bound_by(node)}
    assert not names & (parts_of(pitfall.path.read_text("utf-8")).of_the_fix | set(DECLARED))
    assert "\nFix:" not in text


@every_pitfall
def test_the_program_of_a_quiz_does_not_tell_its_name(pitfall: Pitfall) -> None:
    program = program_of(pitfall.path)
    ast.parse(program)
    assert pitfall.name not in program
    assert not re.search(r"\b(broken|fixed)\(", program)


def run_alone(file: Path, text: str) -> str:
    file.write_text(text)
    done = subprocess.run(
        [sys.executable, file], capture_output=True, text=True, timeout=patience(60), check=True
    )
    return done.stdout


def test_an_exercise_can_be_run_alone(tmp_path: Path) -> None:
    text = exercise_of(pitfall.find("forgotten_await"))
    assert run_alone(tmp_path / "my_fix.py", text) == "Saved []: wrong\n"


@pytest.mark.parametrize(
    ("name", "mistake", "fix", "said"),
    [
        (
            "forgotten_await",
            "        save(",
            "        await save(",
            "right; conlab study forgotten_await --check FILE tells whether it is a fix",
        ),
        (
            "lost_wakeup",
            "",
            "",
            "right, this time; conlab study lost_wakeup --check FILE tries the other orders",
        ),
    ],
)
def test_what_is_right_in_an_exercise_is_right_this_time(
    name: str, mistake: str, fix: str, said: str, tmp_path: Path
) -> None:
    """Whoever has mended it must not read that nothing forced the order, or that it will hang."""
    studied = pitfall.find(name)
    text = exercise_of(studied)
    if mistake:
        assert mistake in text
        text = text.replace(mistake, fix)
    else:  # the fixed side in its place
        text = re.sub(r"def mended\(.*?\n\n\n", "", text, flags=re.DOTALL)
        text = text.replace("# -- given --\n", studied.fixed.replace("def fixed", "def mended"))
    assert said in run_alone(tmp_path / "my_fix.py", text)


@every_pitfall
def test_an_exercise_foretells_nothing_of_the_side_that_it_is_not_any_more(
    pitfall: Pitfall,
) -> None:
    text = exercise_of(pitfall)
    main = text.partition('if __name__ == "__main__":')[2]
    assert "will hang" not in main
    assert "may hang" not in main
    assert "nothing forced" not in main
    assert re.search(rf"conlab study {pitfall.name} --check FILE", main)
    limits = re.findall(r"dump_traceback_later\((.*?)[,)]", main)
    assert limits == [str(SLOW)] * (pitfall.shows == "hung")
