"""Draws the README's picture from the README's own table: a bar for each model, and the floor.

    python -m docs.book.picture    # writes docs/images/models.svg anew

The figures are those that the table shows, so the two cannot part; a test keeps them equal. The
colours follow the reader's screen, light or dark.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "images" / "models.svg"
ROW = re.compile(
    r"^(?P<label>\w+(?: \([\d+]+\))?) +(?P<time>[\d.]+) (?P<unit>m?s) ± (?P<spread>\d+)%"
    r" +\d+ +(?P<speedup>[\d.]+)x +(?P<floor>\d+)% ",
    re.MULTILINE,
)
WIDTH, ROW_HEIGHT, BAR_HEIGHT = 580, 32, 20
TOP, LEFT, RIGHT, BOTTOM = 60, 124, 140, 8  # around the bars
MARGIN = 16  # around all of it
COLUMNS = ("time", "speedup")
COLUMN = 68
STYLE = """
  .ground { fill: #ffffff; stroke: #d1d9e0; }
  text { font: 15px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 17px; }
  .head { font-size: 13px; fill: #59636e; }
  .end { text-anchor: end; }
  .bar { fill: #8c959f; }
  .first { fill: #0969da; }
  .spread { stroke: #1f2328; stroke-width: 2; }
  .floor { stroke: #bc4c00; stroke-width: 2; stroke-dasharray: 6 4; }
  .floor-label { font-size: 13px; fill: #bc4c00; text-anchor: middle; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; stroke: #3d444d; }
    text { fill: #f0f6fc; }
    .head { fill: #9198a1; }
    .bar { fill: #656c76; }
    .first { fill: #4493f8; }
    .spread { stroke: #f0f6fc; }
    .floor { stroke: #f0883e; }
    .floor-label { fill: #f0883e; }
  }
"""


@dataclass(frozen=True)
class Bar:
    """A row of the table. Seconds, and times serial; ``spread`` and ``floor`` are shares."""

    label: str
    seconds: float
    spread: float
    speedup: float
    floor: float

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands beside the bar, in the order of COLUMNS."""
        ms = self.seconds * 1000
        time = f"{ms:.0f} ms" if ms < 1000 else f"{self.seconds:.2f} s"
        return time, f"{self.speedup:.1f}"


def bars(readme: str) -> list[Bar]:
    """The rows of the table of models in the README, as they come."""
    return [
        Bar(
            label=row["label"],
            seconds=float(row["time"]) * (0.001 if row["unit"] == "ms" else 1),
            spread=int(row["spread"]) / 100,
            speedup=float(row["speedup"]),
            floor=int(row["floor"]) / 100,
        )
        for row in ROW.finditer(readme)
    ]


def drawn(rows: Sequence[Bar]) -> str:
    """The picture of these rows, the fastest first, as SVG."""
    height = TOP + ROW_HEIGHT * len(rows) + BOTTOM
    scale = (WIDTH - LEFT - RIGHT) / max(row.seconds * (1 + row.spread) for row in rows)
    floor = LEFT + rows[0].seconds * rows[0].floor * scale
    outer, tall = WIDTH + 2 * MARGIN, height + 2 * MARGIN
    box = f'viewBox="{-MARGIN} {-MARGIN} {outer} {tall}" width="{outer}" height="{tall}"'
    ground = f'x="{0.5 - MARGIN}" y="{0.5 - MARGIN}" width="{outer - 1}" height="{tall - 1}"'
    ends = f'y1="{TOP}" y2="{height - BOTTOM}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img">',
        f"<title>{said(rows)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="ground" {ground} rx="6"/>',
        '<text class="title" x="0" y="18">Download a photo, make a thumbnail, 32 times</text>',
        f'<text class="floor-label" x="{floor:.0f}" y="{TOP - 8}">possible at best</text>',
        *(
            f'<text class="head end" x="{_column(at)}" y="{TOP - 8}">{name}</text>'
            for at, name in enumerate(COLUMNS)
        ),
        *(line for at, row in enumerate(rows) for line in _bar(at, row, scale)),
        f'<line class="floor" x1="{floor:.1f}" x2="{floor:.1f}" {ends}/>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def said(rows: Sequence[Bar]) -> str:
    """The picture in a sentence, for who cannot see it."""
    times = ", ".join(f"{row.label} {row.cells[0]}" for row in rows)
    return (
        f"32 jobs that download a photo and make a thumbnail: {times}. The fastest,"
        f" {rows[0].label}, is {rows[0].speedup:.1f} times as fast as serial, at"
        f" {rows[0].floor:.0%} of what is possible."
    )


def _bar(at: int, row: Bar, scale: float) -> Iterator[str]:
    """A row: its label, its bar with the spread at its end, its figures."""
    top = TOP + at * ROW_HEIGHT
    text, middle = top + 20, top + 6 + BAR_HEIGHT / 2
    end = row.seconds * scale
    half = row.seconds * row.spread * scale
    yield f'<text x="0" y="{text}">{row.label}</text>'
    yield (
        f'<rect class="bar{"" if at else " first"}" x="{LEFT}" y="{top + 6}" width="{end:.1f}"'
        f' height="{BAR_HEIGHT}" rx="3"/>'
    )
    yield (
        f'<line class="spread" x1="{LEFT + end - half:.1f}" x2="{LEFT + end + half:.1f}"'
        f' y1="{middle}" y2="{middle}"/>'
    )
    for number, cell in enumerate(row.cells):
        yield f'<text class="end" x="{_column(number)}" y="{text}">{cell}</text>'


def _column(number: int) -> int:
    """Where a column of figures ends."""
    return WIDTH - (len(COLUMNS) - 1 - number) * COLUMN


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn(bars(README.read_text("utf-8"))), "utf-8")
