"""The page of saved files: what stands where, that nothing in it runs, what is refused."""

import base64
import gzip
import html as escaping
import json
import re
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jinja2")

from conlab.bench import rules
from conlab.catalogue import pitfall
from conlab.errors import UserError
from conlab.report import documents, page, words
from conlab.report.documents import Document, kind_of
from conlab.report.pairs import studied
from conlab.report.schedule import drawing
from tests.report import made

pytestmark = pytest.mark.skipif(find_spec("pygal") is None, reason="pygal is not installed")


def page_of(*data: Any) -> str:
    """The page of documents with these data."""
    found = [Document(f"{at}.json", kind_of(each), each) for at, each in enumerate(data)]
    return page.html(page.of_documents(found))


def text_of(html: str) -> str:
    """What of a page a person reads, but for the figures behind it."""
    shown = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(escaping.unescape(re.sub(r"<[^>]+>", " ", shown)).split())


def test_the_answer_stands_before_everything_else() -> None:
    text = text_of(page_of(made.run()))
    answer = text.index("Leader: threads, 4.0 times serial.")
    assert answer < text.index("Time of 32 jobs") < text.index("CPython 3.14.1")


def test_a_workload_has_its_verdict_its_models_the_baseline_the_floor_and_what_is_absent() -> None:
    html = page_of(made.run())
    text = text_of(html)
    assert "Serial was waiting 98% of its time." in text
    for model in made.MODELS:
        assert f"{model} (2)" in text
    assert 'class="serial"' in html
    assert "floor, by latencies and bytes: no run can be faster" in text
    assert "Absent: interpreters : needs Python 3.14" in text


def test_a_floor_by_the_work_law_says_on_the_page_what_that_is() -> None:
    data = made.run()
    data["benchmarks"] = [made.benchmark("w", "threads", 0.10, work_law_seconds=0.06)]
    text = text_of(page_of(data))
    assert "floor, by the work law: the least CPU time of any row / usable cores" in text
    assert "no run can be faster" not in text


@pytest.mark.parametrize("answer", ["Leader: threads.", "No leader: x.", "Cannot tell: noise."])
def test_a_section_begins_with_its_answer_wherever_the_verdict_has_it(answer: str) -> None:
    told = ["The loop was blocked.", "Serial was waiting.", answer, "And so on."]
    html = page_of(made.run(verdicts={"download_files": told}))
    section = text_of(html[html.index('<section class="workload"') :])
    said = f"download_files {answer} The loop was blocked. Serial was waiting. And so on."
    assert section.startswith(said)


def test_a_cheap_second_place_is_named_with_what_it_saves() -> None:
    data = made.run()
    data["benchmarks"] = [
        made.benchmark("w", "threads", 0.10, cpu_seconds=0.4),
        made.benchmark("w", "coroutines", 0.11, cpu_seconds=0.1),
        made.benchmark("w", "processes", 0.30, cpu_seconds=0.01),
    ]
    text = text_of(page_of(data))
    assert "coroutines takes 10 % longer than threads, and 75 % less CPU time" in text
    assert "processes takes" not in text


def test_a_run_shows_its_command_and_its_environment() -> None:
    text = text_of(page_of(made.run()))
    for part in ("pytest --benchmark-only", "A processor", "0123456789ab, changed since", "GIL on"):
        assert part in text


def test_the_figures_behind_a_page_can_be_taken_out() -> None:
    data = made.run([made.EVIL])
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page_of(data))
    assert found
    assert json.loads(found[1]) == data


def test_many_figures_are_packed() -> None:
    data = made.run()
    data["benchmarks"][0]["stats"]["data"] = [0.123456789] * 200_000
    found = re.search(r'type="application/gzip" id="figures">(.*?)</script>', page_of(data))
    assert found
    assert json.loads(gzip.decompress(base64.b64decode(found[1]))) == data


def test_nothing_but_its_own_style_and_script_may_run_in_a_page() -> None:
    html = page_of(made.run(growth={"download_files": made.growth()}), made.history())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy
    allowed = escaping.unescape(policy[1])
    assert "unsafe" not in allowed
    assert allowed.startswith("default-src 'none'")
    for tag in ("style", "script"):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in allowed
    assert not re.search(
        r"\s(style|on\w+)=", re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    )


def test_a_page_asks_for_nothing_from_elsewhere() -> None:
    html = page_of(made.run(growth={"download_files": made.growth()}), made.history())
    assert not re.search(r"""(src|href)=["'](?!#|data:)""", html)
    assert "url(" not in html.replace("url(#", "")
    assert "@import" not in html


@pytest.mark.parametrize("where", ["workload", "model", "reason", "command", "verdict", "commit"])
def test_markup_in_a_file_stays_text(where: str) -> None:
    evil = made.EVIL
    data = made.run([evil] if where == "workload" else ["w"])
    match where:
        case "model":
            data["benchmarks"][1]["extra_info"]["model"] = evil
            data["concurrency_lab"]["pools"] = {evil: data["concurrency_lab"]["pools"]["threads"]}
            data["concurrency_lab"]["growth"] = {evil: made.growth()}
        case "reason":
            data["concurrency_lab"]["absent"] = {f"w-{evil}": evil}
        case "command":
            data["concurrency_lab"]["command"] = evil
        case "verdict":
            data["concurrency_lab"]["verdicts"] = {"w": [evil]}
        case "commit":
            data["commit_info"]["id"] = evil
    html = page_of(data, made.history() if where != "commit" else made.comparison())
    assert "<script>alert" not in html.lower()
    assert "alert(1)" in text_of(html) or where == "commit"


def test_an_empty_run_says_that_nothing_was_measured() -> None:
    text = text_of(page_of(made.run([])))
    assert "Nothing was measured: this run holds no benchmark." in text


def test_a_run_of_one_cell_is_a_page() -> None:
    html = page_of(made.run(["w"], ["serial"], pools={}))
    assert html.count('<li class="row') == 1


def test_two_hundred_cells_fit_into_a_page() -> None:
    html = page_of(made.run([f"workload_{at}" for at in range(20)], [f"m{at}" for at in range(10)]))
    assert html.count('class="point"') >= 200
    assert len(html.encode()) < page.LARGEST


def test_a_page_that_would_be_too_large_is_refused_in_a_sentence() -> None:
    models = [f"model_{at}" for at in range(60)]
    with pytest.raises(UserError, match="the page would be larger than 3 MB"):
        page_of(made.run([f"workload_{at}" for at in range(60)], models))


def test_two_workloads_whose_names_make_one_id_have_two() -> None:
    html = page_of(made.run(["a b", "a-b"], ["serial"]))
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_benchmarks_of_another_project_are_shown_by_name() -> None:
    data = made.run([])
    data["benchmarks"] = [{"name": "test_sum", "group": None, "stats": {"median": 0.01}}]
    del data["concurrency_lab"]
    text = text_of(page_of(data))
    assert "1 benchmark, the fastest first." in text
    assert "test_sum" in text


def test_backticks_and_addresses_in_a_sentence_are_code_and_links_and_nothing_else_is() -> None:
    assert words.marked_up("a `with x:` of https://a.b/c#d, and <b>") == (
        "a <code>with x:</code> of"
        ' <a href="https://a.b/c#d" rel="noreferrer">https://a.b/c#d</a>, and &lt;b&gt;'
    )
    assert "<a" not in words.marked_up("javascript:alert(1) `https://a.b/c`")
    assert words.marked_up("one ` alone, and ` two") == "one ` alone, and ` two"
    data = made.run(remarks={"download_files": ["`client` is `1`."]})
    assert "<code>client</code> is <code>1</code>." in page_of(data)
    pair = pitfall.find("lost_update")
    html = page.html(page.Parts(studied=[studied(pair, [])]))
    assert re.search(r"<dd>[^`]*</dd>", html)
    assert not re.findall(r"<dd>[^<]*`[^<]*</dd>", html)
    assert '<a href="https://' in html


def of_fix(pitfall: str, side: str, seconds: float) -> dict[str, Any]:
    """A side of a pair of the catalogue, as tests/bench_fixes.py times it."""
    return {
        "name": f"bench_fix[{pitfall}-{side}]",
        "group": f"what the fix costs: {pitfall}",
        "stats": {"median": seconds, "q1": seconds * 0.95, "q3": seconds * 1.05},
        "extra_info": {"pitfall": pitfall, "side": side},
    }


def test_what_the_fixes_cost_is_one_section_with_a_sentence_a_pair_and_no_chart() -> None:
    data = made.run(["count_words"], ["serial", "threads"])
    for name, broken, fixed in (("a/one", 0.01, 0.03), ("a/two", 0.02, 0.01), ("b/x", 0.01, 0.01)):
        data["benchmarks"] += [of_fix(name, "broken", broken), of_fix(name, "fixed", fixed)]
    html = page_of(data)
    text = text_of(html)
    assert html.count('<section class="workload"') == 1
    assert "Of 3 pairs of a broken and a fixed program, the fix takes longer in 1 and less" in text
    assert "The fix takes 3× the time: 10 ms broken, 30 ms fixed." in text
    assert "The broken side takes 2× the time: 20 ms broken, 10 ms fixed." in text
    assert "No difference that stands out from the rounds: 10 ms broken, 10 ms fixed." in text
    assert "more chart" not in text


def test_a_run_of_fixes_alone_answers_what_they_cost() -> None:
    data = made.run([], pools={})
    data["benchmarks"] = [of_fix("a/one", "broken", 0.01), of_fix("a/one", "fixed", 0.03)]
    html = page_of(data)
    answer = html[html.index('id="answer"') : html.index("<nav")]
    assert "Of 1 pair of a broken and a fixed program" in answer
    assert "<h1>what the fixes cost</h1>" in html
    assert "Nothing was measured" not in html


def test_a_long_name_breaks_between_its_words() -> None:
    data = made.run([])
    name = "bench_one[races/lost-update]"
    data["benchmarks"] = [{"name": name, "group": "", "stats": {"median": 0.01}}]
    assert "bench_<wbr>one<wbr>[races/<wbr>lost-<wbr>update]</span>" in page_of(data)


def test_a_run_that_was_broken_off_says_so_first_and_names_what_it_lacks() -> None:
    left = {"why": "SIGTERM", "not_measured": {"crawl_site": ["serial", "threads"]}, "others": 40}
    text = text_of(page_of(made.run(broken_off=left)))
    said = "This run did not come to its end (SIGTERM), and the page shows a part of it."
    assert text.index(said) < text.index("Leader: threads")
    assert "Not measured: crawl_site (serial, threads), 40 other benchmarks." in text
    assert "did not come to its end" not in text_of(page_of(made.run()))


def test_the_rules_of_thumb_that_a_run_says_something_of_are_on_its_page() -> None:
    found = {
        "threads for I/O": {"verdict": "holds", "figures": "4.0 times serial"},
        "one more": {"verdict": rules.UNMEASURED, "figures": "crawl_site"},
    }
    text = text_of(page_of(made.run(rules_of_thumb=found)))
    assert "Rules of thumb, checked here threads for I/O holds : 4.0 times serial" in text
    assert "one more" not in text


def test_a_run_without_a_verdict_is_not_given_one() -> None:
    data = made.run()
    del data["concurrency_lab"]["verdicts"]
    assert "This file holds no verdict" in text_of(page_of(data))


def test_break_even_job_lengths_are_drawn_for_the_pools_that_have_one() -> None:
    text = text_of(page_of(made.run()))
    assert "When a pool is worth it" in text
    assert "400 µs jobs that compute or wait" in text


def test_a_comparison_shows_intervals_the_band_that_matters_and_what_is_gone() -> None:
    html = page_of(made.comparison())
    text = text_of(html)
    assert text.index("Slower: count_words-threads") < text.index("New against old")
    assert "+20 % (+17 % to +24 %)" in text
    assert 'class="band"' in html
    assert "absent: gone_away : the old side lacks it" in text
    assert "gone: old_cell" in text


def test_a_history_marks_the_commit_at_which_a_ratio_changed() -> None:
    html = page_of(made.history())
    assert "changed at 00000006 (2026-11-07)" in text_of(html)
    assert 'class="series change' in html


def test_a_scoreboard_counts_what_each_tool_finds() -> None:
    text = text_of(page_of(made.scoreboard()))
    assert "ruff 0.15 0 of 2 1" in text
    assert "Which tool would have caught it" in text


def test_a_curve_has_the_ideal_line_the_best_point_and_no_knee_without_a_law() -> None:
    html = page_of(made.run(growth={"download_files": made.growth()}))
    for kind in ("ideal", "best", "spread", "law"):
        assert f'class="series {kind} ' in html
    assert "best measured: processes with 8, 6.4×" in text_of(html)


def test_a_saved_witness_says_on_which_python_it_was_found(tmp_path: Path) -> None:
    made.witness().save(path := tmp_path / "witness.json")
    text = text_of(page.html(page.of_documents([documents.read(path)])))
    assert "found on Python 3.14" in text
    assert "reading bytecode" in text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "it is no JSON, or cut off"),
        ('{"benchmarks": [', "it is no JSON, or cut off"),
        ("[]", "a page shows a run .*, and it is none of these"),
        ('{"benchmarks": 3}', "and it is none of these"),
        ('{"benchmarks": [3]}', "it is damaged: what it should hold of a run"),
        ('{"benchmarks": [{"name": "x"}]}', "it is damaged"),
        ('{"benchmarks": [{"name": "x", "stats": {"median": NaN}}]}', "x has no time"),
        ('{"benchmarks": [{"name": "x", "stats": {"median": "1"}}]}', "x has no time"),
        ('{"benchmarks": [], "concurrency_lab": {"pools": {"a": 1}}}', "it is damaged"),
        ('{"benchmarks": [], "concurrency_lab": {"growth": {"a": [1]}}}', "it is damaged"),
        ('{"concurrency_lab": {"comparison": {}}}', "of a comparison cannot be read"),
        ('{"histories": [{}]}', "of a history cannot be read"),
        ('{"format": 3, "kind": "returned", "program": "x", "steps": 1}', "holds no witness"),
        ('{"format": 1, "kind": "returned", "program": "x", "steps": []}', "another format"),
        ("[" * 100_000, "nested too deeply|no JSON"),
    ],
)
def test_a_damaged_file_is_refused_in_a_sentence(
    content: str, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "figures.json"
    path.write_text(content)
    with pytest.raises(UserError, match=sentence):
        page.of_documents([documents.read(path)])


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    with pytest.raises(UserError, match="it cannot be read: No such file"):
        documents.read(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="no text in UTF-8"):
        documents.read(path)
    with pytest.raises(UserError, match="no regular file"):
        documents.read(tmp_path)


def test_a_page_appears_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    parts = page.Parts(schedules=[drawing(made.witness())])
    page.write(parts, tmp_path / "page.html")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(UserError, match="the page cannot be written"):
        page.write(parts, tmp_path / "folder.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.html", "page.html"]


def test_the_answer_is_of_what_was_asked_and_the_rest_is_counted() -> None:
    data = made.run(["count_words"], ["serial", "threads"])
    data["benchmarks"] += [
        {"name": f"fix[{side}]", "group": "what the fix costs", "stats": {"median": 0.01}}
        for side in ("broken", "fixed")
    ]
    html = page_of(data)
    answer = html[html.index('id="answer"') : html.index("<nav")]
    assert "count_words" in answer
    assert "what the fix costs" not in answer
    assert "1 more chart below, of what else was timed." in text_of(answer)
    assert "<h1>count_words</h1>" in html
    assert "what the fix costs" in text_of(html)
