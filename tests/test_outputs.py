"""Nobody's work is written over: only an earlier output of the same kind is."""

from pathlib import Path

import pytest

from conlab import cli
from conlab.errors import UserError
from conlab.outputs import Output, check_output

EARLIER = {
    Output.PAGE: "<!DOCTYPE html>\n<html>",
    Output.FIGURES: '{\n    "machine_info": {}}',
    Output.WITNESS: '{\n "format": 3,\n "kind": "raised",\n "choices": []}',
    Output.SCRIPT: '"""drive.py raised.\n\nWritten by conlab 0.2.0, of Concurrency Lab.\n"""\n',
    Output.REPORT: "### 1 cell slower\n",
}
WORK = ("import shop\n", '{"name": "package"}', "# Notes\n", "<p>mine</p>", "\x00\x01")


@pytest.mark.parametrize("kind", Output)
def test_an_earlier_output_an_empty_file_and_a_new_name_may_be_written(
    kind: Output, tmp_path: Path
) -> None:
    file = tmp_path / "out"
    check_output("--out", file, kind)
    file.write_text("")
    check_output("--out", file, kind)
    file.write_text(EARLIER[kind])
    check_output("--out", file, kind)


@pytest.mark.parametrize("kind", Output)
def test_whatever_else_is_there_is_left_as_it_is(kind: Output, tmp_path: Path) -> None:
    file = tmp_path / "out"
    for text in (*WORK, *(each for other, each in EARLIER.items() if other is not kind)):
        file.write_text(text)
        with pytest.raises(UserError, match=r"--out .*out: this file is there and is not"):
            check_output("--out", file, kind)
        assert file.read_text() == text


def test_a_folder_and_what_lies_in_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="this is a folder"):
        check_output("--out", tmp_path, Output.PAGE)
    with pytest.raises(UserError, match="there is no folder"):
        check_output("--out", tmp_path / "none" / "out", Output.PAGE)


@pytest.mark.parametrize("option", ["--save", "--script"])
def test_the_program_that_is_explored_is_not_replaced(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "shop.py"
    program.write_text("def main(): raise ValueError\n")
    assert cli.obey(["explore", f"{program}:main", option, str(program)]) == 2
    assert f"{option} {program}: this file is there" in capsys.readouterr().err
    assert program.read_text() == "def main(): raise ValueError\n"


def test_the_job_that_is_measured_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = tmp_path / "my_job.py"
    job.write_text("def jobs(): return [1]\ndef work(job): return job\n")
    assert cli.obey(["measure", str(job), "--json", str(job)]) == 2
    assert f"--json {job}: this file is there" in capsys.readouterr().err
    assert job.read_text().startswith("def jobs()")


def test_what_an_exploration_writes_may_be_written_again(tmp_path: Path) -> None:
    program = tmp_path / "shop.py"
    program.write_text("def main():\n    raise ValueError\n")
    out = ["--save", str(tmp_path / "wit.json"), "--script", str(tmp_path / "again.py")]
    for _ in range(2):
        assert cli.obey(["explore", f"{program}:main", *out]) == 1
