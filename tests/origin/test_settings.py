"""Nonsense is refused where it is written down, in one sentence that says what would be right."""

import math
from pathlib import Path
from typing import Any

import pytest

from conlab.errors import UserError
from conlab.origin import Faults, Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sites", 0),
        ("sites", 65),
        ("sites", True),
        ("pages", 0),
        ("pages", 2.5),
        ("seed", "x"),
        ("seed", 2**63),
        ("latency", -0.001),
        ("latency", math.nan),
        ("latency", "50ms"),
        ("jitter", math.inf),
        ("bandwidth", 0),
    ],
)
def test_a_setting_out_of_range_is_refused_with_its_name_and_value(name: str, value: Any) -> None:
    with pytest.raises(UserError) as refusal:
        Settings(**{name: value})
    message = str(refusal.value)
    assert message.startswith(f"{name} is {value!r}: it should be a ")
    assert "\n" not in message


@pytest.mark.parametrize("value", [-0.1, 1.1, "often", True, math.nan])
def test_a_probability_outside_0_to_1_is_refused(value: Any) -> None:
    with pytest.raises(UserError, match=r"probability of the fault 'slow' is .* from 0 to 1"):
        Faults(slow=value)


def test_probabilities_of_more_than_1_in_all_are_refused() -> None:
    assert Faults(reset=0.5, truncated=0.5).probabilities()["reset"] == 0.5
    with pytest.raises(UserError, match=r"add up to 1\.1: at most 1"):
        Faults(reset=0.5, truncated=0.6)


@pytest.mark.parametrize(("name", "value"), [("retry_after", -1), ("slow_seconds", -1)])
def test_a_fault_of_negative_duration_is_refused(name: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"{name} is -1: it should be"):
        Faults(**{name: value})


@pytest.mark.parametrize("name", ["html", "photos"])
def test_what_is_not_a_folder_is_refused(name: str, tmp_path: Path) -> None:
    absent: dict[str, Any] = {name: tmp_path / "absent"}
    with pytest.raises(UserError, match=r"absent' is not a folder"):
        Settings(**absent)
    text: dict[str, Any] = {name: str(tmp_path)}
    with pytest.raises(UserError, match="should be the path of a folder"):
        Settings(**text)


def test_a_folder_without_an_image_is_refused_for_photos(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(UserError, match=r"photos: no image in .* should hold files that end in"):
        Settings(photos=tmp_path)


def test_settings_cross_to_another_process_unchanged(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    settings = Settings(
        sites=2, seed=-3, jitter=0.5, bandwidth=1e6, faults=Faults(slow=0.5), photos=tmp_path
    )
    assert Settings.from_json(settings.to_json()) == settings
