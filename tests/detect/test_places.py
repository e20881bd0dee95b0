"""The place of a mistake is where the two sides differ, and the headers of the blocks around it."""

from pathlib import Path

from conlab.catalogue.law import Side
from conlab.catalogue.pitfall import Pitfall
from conlab.detect.places import fingerprint, imports, names, places, unsuppressed
from tests.detect.made import made


def at(pitfall: Pitfall, side: Side) -> list[str]:
    lines = pitfall.path.read_text().splitlines()
    return [lines[number - 1].strip() for number in sorted(places(pitfall, side).mistake)]


def test_a_line_that_differs_is_the_place_and_so_are_the_headers_around_it(tmp_path: Path) -> None:
    pair = made(
        tmp_path,
        """
        for _ in range(3):
            print("apart")
        try:
            return int("1")
        except BaseException:
            return 2
        """,
        """
        for _ in range(3):
            print("apart")
        try:
            return int("1")
        except BaseException:
            return 1
        """,
    )
    headers = ["def {}() -> int:", "try:", "except BaseException:"]
    assert at(pair, "broken") == [*(h.format("broken") for h in headers), "return 2"]
    assert at(pair, "fixed") == [*(h.format("fixed") for h in headers), "return 1"]


def test_where_the_fixed_side_only_has_more_it_is_what_stands_around_the_gap(
    tmp_path: Path,
) -> None:
    pair = made(
        tmp_path,
        "a = 1\nb = 2\nc = 3\nreturn a + b + c",
        "a = 1\nb = 2\nb = 3\nc = 3\nreturn a + b + c",
    )
    assert at(pair, "broken") == ["def broken() -> int:", "b = 2", "c = 3"]
    assert at(pair, "fixed") == ["def fixed() -> int:", "b = 3"]


def test_what_only_one_side_uses_belongs_to_it(tmp_path: Path) -> None:
    top = "class Bad:\n    value = 0\n\n\nclass Good:\n    value = 1\n"
    pair = made(tmp_path, "return Bad().value", "return Good().value", top=top)
    assert "value = 0" in at(pair, "broken")
    assert "value = 1" not in at(pair, "broken")
    assert "value = 1" in at(pair, "fixed")


def test_a_statement_of_several_lines_is_one_place(tmp_path: Path) -> None:
    pair = made(tmp_path, "return max(\n    1,\n    2,\n)", "return max(\n    1,\n    1,\n)")
    assert at(pair, "broken") == ["def broken() -> int:", "return max(", "1,", "2,", ")"]


def test_the_fingerprint_is_of_the_code_and_not_of_the_story(tmp_path: Path) -> None:
    pair = made(tmp_path, "return 0", "return 1")
    before, source = fingerprint(pair.path), pair.path.read_text()
    pair.path.write_text(source.replace("some text", "quite another text\nin two lines"))
    assert fingerprint(pair.path) == before
    pair.path.write_text(source + '\n\nif __name__ == "__main__":\n    print("a last line")\n')
    assert fingerprint(pair.path) == before
    pair.path.write_text(source.replace("return 0", "return -1"))
    assert fingerprint(pair.path) != before


def test_comments_that_suppress_a_finding_are_taken_out_and_no_line_moves() -> None:
    source = (
        "# ruff: noqa: B006\na = 1  # noqa: B006 - why\nb = a  # type: ignore[x]\nc = b  # of it\n"
    )
    assert unsuppressed(source) == "\na = 1\nb = a\nc = b  # of it\n"


def test_what_a_file_imports_and_defines_is_known(tmp_path: Path) -> None:
    top = "import threading\nfrom asyncio import run\n\n\nasync def later() -> None:\n    pass\n"
    pair = made(tmp_path, "return 0", "return 1", top=top)
    assert imports(pair) == {"threading", "asyncio", "asyncio.run", "async"}
    assert names(pair) == {"later", "broken", "fixed", "holds"}
