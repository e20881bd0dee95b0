"""The page in a real browser, from disk and with the network off; skipped where there is none.

`python3 -m conlab.install --with browser` and Debian's package chromium make them run.
"""

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("playwright.sync_api")

from playwright.sync_api import sync_playwright

from conlab.catalogue import pitfall
from conlab.catalogue.law import examine
from conlab.report import page as pages
from conlab.report.documents import Document, kind_of
from conlab.report.pairs import studied
from conlab.report.schedule import drawing
from tests.patience import patience
from tests.report import made

pytestmark = pytest.mark.skipif(find_spec("pygal") is None, reason="pygal is not installed")

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
WIDTHS = (320, 390, 1400)


def executable() -> str:
    """Where Chromium is: CONLAB_CHROMIUM, or what the PATH has."""
    found = os.environ.get("CONLAB_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("there is no chromium: apt-get install chromium, or CONLAB_CHROMIUM names it")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    path = executable()
    with sync_playwright() as started:
        running = started.chromium.launch(executable_path=path, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every part, each with a name that is markup."""
    data = [
        made.run(["download_files", made.EVIL], growth={made.EVIL: made.growth()}),
        made.comparison(),
        made.history(),
        made.scoreboard(),
    ]
    parts = pages.of_documents([Document(made.EVIL, kind_of(one), one) for one in data])
    pair = pitfall.find("lost_update")
    parts.studied.append(studied(pair, [examine(pair, "broken"), examine(pair, "fixed")]))
    evil = [made.step(made.EVIL, 1, made.EVIL), made.step("other", 2, "x = 1")]
    parts.schedules.append(drawing(made.witness(evil, made.deadlock([made.EVIL, "other"])), "evil"))
    path = tmp_path_factory.mktemp("page") / "page.html"
    pages.write(parts, path)
    return path


class Opened:
    """A page that is open, and what it said on its console."""

    def __init__(self, browser: Any, path: Path, width: int = 1400, **options: Any) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 800}, offline=True, **options
        )
        self.context.set_default_timeout(patience(30) * 1000)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_from_disk_without_a_word_fits_and_every_chart_draws(
    browser: Any, full: Path, width: int, scheme: str
) -> None:
    with Opened(browser, full, width, color_scheme=scheme) as opened:
        assert opened.said == []
        assert opened.asked == [full.as_uri()]
        room = opened.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert room[0] <= room[1]
        empty = opened.page.evaluate(
            """[...document.querySelectorAll('figure.chart')].filter((chart) => {
              const drawn = [...chart.querySelectorAll('svg.strip .point, svg.curve .dot')];
              return !drawn.some((one) => one.getBoundingClientRect().width > 0);
            }).map((chart) => chart.textContent.slice(0, 80))"""
        )
        assert empty == []
        assert opened.page.locator("script").count() == 2


def test_arrow_keys_step_through_a_schedule_and_light_the_line_that_ran(
    browser: Any, full: Path
) -> None:
    with Opened(browser, full) as opened:
        part = opened.page.locator(".pair .schedule")
        part.locator(".order").focus()
        rows = part.locator(".step").count()
        for at in range(rows):
            opened.page.keyboard.press("ArrowDown")
            now = part.locator(".step.now")
            assert now.count() == 1
            wanted = now.get_attribute("data-line")
            lit = part.locator(".lines .lit")
            if wanted:
                assert lit.get_attribute("id") == wanted
                source = now.locator("code").inner_text().lstrip("… ").strip()
                assert source in lit.inner_text()
            else:
                assert lit.count() == 0
            assert part.locator("output").inner_text().startswith(f"{at + 1} of {rows}: ")
        opened.page.keyboard.press("Home")
        assert part.locator("output").inner_text().startswith("1 of ")
        part.get_by_role("button", name="next step").click()
        assert part.locator("output").inner_text().startswith("2 of ")


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_of_a_source_is_cut_and_its_number_stands_on_it(
    browser: Any, tmp_path: Path, width: int
) -> None:
    long = made.step("main", 7, f"total = {' + '.join(['one_long_name'] * 12)}")
    pages.write(pages.Parts(schedules=[drawing(made.witness([long]))]), tmp_path / "page.html")
    with Opened(browser, tmp_path / "page.html", width) as opened:
        # An empty box in the flow of a line ends on its baseline.
        room, *ends = opened.page.evaluate(
            """(() => { const row = document.querySelector('.lines tr');
              const box = row.closest('.scrolls');
              const ends = [row.cells[0], row.cells[1].firstChild].map((at) => {
                const mark = document.createElement('span');
                mark.style = 'display: inline-block'; at.prepend(mark);
                return mark.getBoundingClientRect().bottom; });
              return [box.scrollWidth - box.clientWidth, ...ends]; })()"""
        )
        assert room <= 0
        assert abs(ends[0] - ends[1]) < 0.5


def test_all_that_can_be_done_can_be_done_by_keyboard_alone(browser: Any, full: Path) -> None:
    with Opened(browser, full) as opened:
        reached, before = set(), None
        for _ in range(400):
            opened.page.keyboard.press("Tab")
            here = opened.page.evaluate(
                """(() => { const at = document.activeElement;
                  if (!at || at === document.body) return null;
                  const all = [...document.querySelectorAll('*')];
                  return [all.indexOf(at), at.tagName, getComputedStyle(at).outlineStyle]; })()"""
            )
            if here is None or (before is not None and here[0] < before):
                break
            before = here[0]
            assert here[2] != "none", f"{here} has no outline where the focus is"
            reached.add(here[0])
        wanted = opened.page.evaluate(
            """(() => { const all = [...document.querySelectorAll('*')];
              return [...document.querySelectorAll('a[href], button, summary, [tabindex="0"]')]
                .filter((one) => one.checkVisibility()).map((one) => all.indexOf(one)); })()"""
        )
        assert set(wanted) <= reached


def test_the_figures_can_be_saved(browser: Any, full: Path) -> None:
    with Opened(browser, full) as opened:
        with opened.page.expect_download() as waiting:
            opened.page.locator("#take").press("Enter")
        assert waiting.value.suggested_filename == "concurrency-lab.json"
        assert Path(waiting.value.path()).read_text("utf-8").startswith('[{"machine_info"')


def test_a_link_into_the_page_goes_to_its_part(browser: Any, full: Path) -> None:
    with Opened(browser, full) as opened:
        opened.page.goto(f"{full.as_uri()}#pair-lost_update")
        top = opened.page.locator("#pair-lost_update").bounding_box()["y"]
        assert -5 <= top <= 100


def test_it_can_be_read_without_a_script(browser: Any, full: Path) -> None:
    with Opened(browser, full, java_script_enabled=False) as opened:
        assert opened.page.locator(".stepper:visible").count() == 0
        assert opened.page.get_by_text("Leader: threads").first.is_visible()
        assert opened.page.locator(".pair .step").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(browser: Any, full: Path, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    with Opened(browser, full, color_scheme=scheme) as opened:
        for closed in opened.page.locator("details").all():
            closed.evaluate("(one) => { one.open = true; }")
        # What colours have to do with it is all that differs in the dark.
        only = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
        found = axe.Axe().run(opened.page, options=only or None).response["violations"]
        serious = [
            (one["id"], [node["html"][:120] for node in one["nodes"][:3]])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == []
