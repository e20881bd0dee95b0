"""robots: RFC 9309 is kept, and no text of a robots.txt costs or breaks more than its own lines."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

import pytest

from workloads import robots
from workloads.robots import MAX_WILD_CHARACTERS, Rules, RulesError

if TYPE_CHECKING:
    from _typeshed import TraceFunction

URL = "http://a.test/robots.txt"


def rules(*lines: str) -> Rules:
    """The rules for us in these lines."""
    return Rules.read(URL, "\n".join(lines), "concurrency-lab")


def allowed(read: Rules, *paths: str) -> list[str]:
    """Those of the paths that may be visited."""
    return [path for path in paths if read.allow(path)]


# The groups.


def test_without_rules_all_is_allowed() -> None:
    assert rules().allow("/a")
    assert rules("User-agent: *", "Disallow:").allow("/a")


def test_our_group_counts_and_not_everybody_s() -> None:
    lines = ("User-agent: *", "Disallow: /", "User-agent: Concurrency-Lab/1.0", "Disallow: /a")
    assert allowed(rules(*lines), "/a", "/b") == ["/b"]
    assert allowed(rules(*lines[2:], *lines[:2]), "/a", "/b") == ["/b"]
    assert rules("User-agent: *", "Disallow: /", "User-agent: concurrency-lab").allow("/a")


@pytest.mark.parametrize("name", ["concurrency", "lab", "concurrency-lab-x", "googlebot", ""])
def test_the_group_of_another_is_not_ours(name: str) -> None:
    assert rules(f"User-agent: {name}", "Disallow: /").allow("/")


def test_groups_of_one_name_are_one_and_a_group_may_have_many_names() -> None:
    read = rules(
        *("User-agent: *", "Disallow: /a", "User-agent: x", "Disallow: /b"),
        *("User-agent: y", "Sitemap: /s", "", "User-agent: *", "Crawl-delay: 1", "Disallow: /c"),
        *("User-agent: *", "User-agent: z", "Disallow: /d"),
    )
    assert allowed(read, "/a", "/b", "/c", "/d") == ["/b"]


def test_rules_before_any_group_are_nobody_s() -> None:
    assert rules("Disallow: /", "User-agent: *").allow("/")


# The rules.


def test_the_longest_rule_counts_and_of_two_as_long_the_one_that_allows() -> None:
    read = rules("User-agent: *", "Disallow: /a", "Allow: /a/b", "Allow: /c", "Disallow: /c")
    assert allowed(read, "/a", "/a/", "/a/bc", "/c", "/d") == ["/a/bc", "/c", "/d"]
    read = rules("User-agent: *", "Disallow: /a/*x", "Allow: /a/b", "Allow: /*.html$")
    assert allowed(read, "/a/x", "/a/bx", "/a/b", "/a/x.html") == ["/a/b", "/a/x.html"]


@pytest.mark.parametrize(
    ("rule", "matches", "others"),
    [
        ("/a", ["/a", "/ab", "/a?b"], ["/", "/b/a", "/A"]),
        ("/*", ["/", "/a"], []),
        ("*.pdf", ["/.pdf", "/a.pdf?b"], ["/pdf"]),
        ("/a*", ["/a", "/ab"], ["/b"]),
        ("/*?", ["/?", "/a?b="], ["/a"]),
        ("/a*b*c", ["/abc", "/axbxxcx", "/abbcc"], ["/acb", "/ab", "/bc"]),
        ("/a$", ["/a"], ["/ab", "/", "/a$"]),
        ("/*a$", ["/a", "/aa", "/aba"], ["/ab", "/"]),
        ("/a$b", ["/a$b", "/a%24bc"], ["/a"]),
        ("/a%2Ab", ["/a*b", "/a%2ab"], ["/axb"]),
        ("/**a", ["/a", "/ba"], ["/b"]),
        ("/%7euser", ["/~user"], []),
        ("/~user", ["/%7Euser"], []),
        ("/a%2fb", ["/a%2Fb"], ["/a/b"]),
        ("/é", ["/%C3%A9", "/%c3%a9"], ["/e"]),
        ("/%zz", ["/%25zz", "/%zz"], ["/zz"]),
        ("a", [], ["/a", "/"]),
        ("$", [], ["/", "/$"]),
    ],
)
def test_a_rule_matches_the_start_of_a_path(
    rule: str, matches: list[str], others: list[str]
) -> None:
    read = rules("User-agent: *", f"Disallow: {rule}")
    assert allowed(read, *matches, *others) == others


# What is no rule.


@pytest.mark.parametrize(
    "line",
    [
        *("Crawl-delay: \u00b2", "Request-rate: \u00b2/1", f"Crawl-delay: {'9' * 5_000}"),
        *("Disallow: //[", "Disallow: //a\u2100b/", "Allow: //[", "Disallow: http://[", "Disallow"),
        *("Disallow: /\ud800", "Host: \ud800", "\0", "Disallow: \0", ":", "::", "# x", ""),
        *("Disallow: %", "Disallow: " + "x" * 1_000_000, "Sitemap: //[", "Visit-time: 9999-9999"),
    ],
    ids=lambda line: ascii(line)[:30],
)
def test_a_line_that_says_nothing_costs_no_other_its_meaning(line: str) -> None:
    read = rules("User-agent: *", "Disallow: /a", line, "Disallow: /b")
    assert allowed(read, "/a", "/b", "/c") == ["/c"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\r\r\n"])
def test_lines_end_as_they_like_and_a_byte_order_mark_is_none_of_them(end: str) -> None:
    text = end.join(["\ufeffUser-agent: *", "  disALLOW :\t/a # not /b", "Disallow: /c"])
    assert allowed(Rules.read(URL, text, "concurrency-lab"), "/a", "/b", "/c") == ["/b"]


# What it costs.


def steps_of(action: Callable[[], object]) -> int:
    """How many lines of Python are run."""
    steps = 0

    def count(_frame: FrameType, event: str, _argument: object) -> "TraceFunction":
        nonlocal steps
        steps += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        action()
    finally:
        sys.settrace(before)
    return steps


def test_an_address_costs_the_same_however_many_rules_there_are() -> None:
    few = rules("User-agent: *", *(f"Disallow: /{n:05}/" for n in range(10)))
    many = rules("User-agent: *", *(f"Disallow: /{n:05}/" for n in range(80_000)))
    assert not many.allow("/79999/x")
    path = "/80000/x"
    assert steps_of(lambda: many.allow(path)) == steps_of(lambda: few.allow(path))


def test_an_address_costs_a_step_a_character_however_many_wildcards_there_are() -> None:
    few = rules("User-agent: *", "Disallow: /*aaab")
    many = rules("User-agent: *", *(f"Disallow: /*aa*{n:03}b" for n in range(300)))
    path = "/" + "a" * 500
    assert steps_of(lambda: many.allow(path)) == steps_of(lambda: few.allow(path))


def test_as_many_names_as_rules_are_no_more_than_the_rules() -> None:
    names = [f"User-agent: {n}" for n in range(20_000)]
    lines = [*names, "User-agent: *", *(f"Disallow: /{n}" for n in range(20_000))]
    found = robots.rules_for("concurrency-lab", "\n".join(lines))
    assert len(found) == 20_000


def test_wildcards_beyond_measure_are_refused() -> None:
    line = "Disallow: /*" + "a" * (MAX_WILD_CHARACTERS - 2)
    assert rules("User-agent: *", line, line).allow("/b")
    assert rules("User-agent: x", line + "a").allow("/b")
    with pytest.raises(RulesError, match="more than 4096 characters in rules with wildcards"):
        rules("User-agent: *", line + "a")
    with pytest.raises(RulesError):
        rules("User-agent: *", *(f"Allow: /*{n}" for n in range(50_000)))
