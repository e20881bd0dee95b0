"""The options of a comparison: what they mean, and a sentence for each that means nothing."""

from types import SimpleNamespace
from typing import Any

import pytest

from conlab.errors import UserError
from conlab.versus import options


def read(**given: Any) -> options.Options | None:
    """The options that a command line with these would mean."""
    asked = {"benchmark_only": True, "fail_on_cannot_tell": False} | given
    return options.read(SimpleNamespace(getoption=lambda name, *_: asked.get(name)))


def test_the_defaults() -> None:
    asked = read(versus="main")
    assert asked is not None
    assert (asked.alpha, asked.matters, asked.budget) == (0.01, 0.05, 300)
    assert not asked.fail_on_cannot_tell


@pytest.mark.parametrize("name", ["install", "fail_on_cannot_tell"])
def test_what_is_asked_for_is_that_and_nothing_else(name: str) -> None:
    asked = read(versus="main", **{name: True})
    assert asked is not None
    assert {flag: getattr(asked, flag) for flag in ("install", "fail_on_cannot_tell")} == {
        "install": name == "install",
        "fail_on_cannot_tell": name == "fail_on_cannot_tell",
    }


def test_without_a_side_nothing_is_compared() -> None:
    assert read() is None


def test_each_run_draws_a_seed_of_its_own() -> None:
    seeds = {asked.seed for _ in range(5) if (asked := read(versus="main"))}
    assert len(seeds) == 5
    asked = read(versus="main", seed="17")
    assert asked is not None
    assert asked.seed == 17


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("0.05", 0.05), ("12.5%", 0.125)])
def test_a_share_may_be_per_cent(text: str, share: float) -> None:
    asked = read(versus="main", matters=text)
    assert asked is not None
    assert asked.matters == pytest.approx(share)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"versus": "main", "benchmark_only": False}, "it needs --benchmark-only beside it"),
        ({"versus": "."}, "it should name a side"),
        ({"versus": "main", "alpha": "1"}, "--alpha 1: it should be more than 0 and less than 1"),
        ({"versus": "main", "matters": "5 percent"}, "--matters 5 percent: it should be"),
        ({"versus": "main", "matters": "nan"}, "--matters nan: it should be"),
        ({"versus": "main", "budget": "0"}, "--budget 0: it should be seconds"),
        ({"versus": "main", "budget": "inf"}, "--budget inf: it should be seconds"),
        ({"versus": "main", "seed": "-1"}, "--seed -1: it should be a whole number"),
        ({"versus": "main", "peers": True}, "--peers goes with one side"),
        ({"versus": "main", "benchmark_autosave": True}, "--benchmark-autosave goes with one"),
        ({"budget": "60"}, "--budget is for a comparison: --versus SIDE"),
        ({"fail_on_cannot_tell": True}, "--fail-on-cannot-tell is for a comparison"),
    ],
)
def test_what_means_nothing_is_said_in_a_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as raised:
        read(**given)
    assert "\n" not in str(raised.value)
