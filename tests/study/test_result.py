"""What no file may have of what its oracle expects, and what any may."""

from pathlib import Path

import pytest

from conlab.catalogue import pitfall
from conlab.study.answer import Answer, read
from conlab.study.exercise import MENDED, exercise_of
from conlab.study.result import copied, typed_in
from tests.study.mended_files import SOUND

ALL = list(pitfall.collect())


def answer_of(text: str, of: pitfall.Pitfall, folder: Path) -> Answer:
    file = folder / "my_fix.py"
    file.write_text(text, "utf-8")
    return read(file, of)


@pytest.mark.parametrize("each", ALL, ids=str)
def test_neither_side_of_a_pair_has_a_result_typed_in(
    each: pitfall.Pitfall, tmp_path: Path
) -> None:
    text = each.path.read_text("utf-8")
    fixed = text.replace("def broken()", "def first()").replace("def fixed()", f"def {MENDED}()")
    fixed = fixed.replace('"fixed": fixed', f'"fixed": {MENDED}')
    for side in (exercise_of(each), fixed):
        answer = answer_of(side, each, tmp_path)
        assert copied(answer, each) is None
        assert typed_in(answer, each, "'no such value'") is None


@pytest.mark.parametrize(
    ("name", "shape"), [(name, shape) for name, shapes in SOUND.items() for shape in shapes]
)
def test_a_sound_fix_has_no_text_that_only_the_oracle_has(
    name: str, shape: str, tmp_path: Path
) -> None:
    of = pitfall.find(name)
    assert copied(answer_of(SOUND[name][shape], of, tmp_path), of) is None


def test_a_text_that_the_oracle_expects_is_found_wherever_it_stands(tmp_path: Path) -> None:
    of = pitfall.find("condition_if_not_while")
    text = "LOAVES = ['first loaf']\n\ndef mended():\n    return LOAVES\n"
    assert copied(answer_of(text, of, tmp_path), of) == "first loaf"
