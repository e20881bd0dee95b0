"""Draws the wait-for cycle of a deadlock: who waits for whom, as a circle of arrows."""

import math

from markupsafe import Markup, escape

from conlab.explorer.outcomes import Deadlocked
from conlab.explorer.wording import shortened

MOST = 8  # threads in a circle; of more the sentences tell
WIDTH, HEIGHT = 340, 250
BOX = (120, 34)  # of a thread, half of it from its centre
LONGEST = 17  # characters of a name in its box
LONGEST_WAIT = 22  # of what is waited for, beside an arrow


def drawn(outcome: Deadlocked, key: str) -> Markup:
    """The circle as SVG, or nothing where there is none. Whole names are its titles."""
    names = outcome.cycle
    if not 1 <= len(names) <= MOST:
        return Markup("")
    waits = {waiting.thread: waiting.waits_for for waiting in outcome.waiting}
    places = _places(len(names))
    parts = [
        Markup(
            '<svg class="cycle" viewBox="0 0 {} {}" role="img" aria-labelledby="{}-cycle">'
            '<title id="{}-cycle">Wait-for cycle: {}</title>'
            '<defs><marker id="{}-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8"'
            ' markerHeight="8" orient="auto-start-reverse"><path class="head" d="M0 0L8 4L0 8z"/>'
            "</marker></defs>"
        ).format(WIDTH, HEIGHT, key, key, _said(names), key)
    ]
    for at, name in enumerate(names):
        parts.append(_arrow(places, at, waits.get(name, ""), key))
    for name, (x, y) in zip(names, places, strict=True):
        parts.append(
            Markup(
                '<g class="who"><title>{}</title><rect x="{}" y="{}" width="{}" height="{}"'
                ' rx="6"/>'
                '<text x="{}" y="{}">{}</text></g>'
            ).format(
                name, round(x - BOX[0] / 2), round(y - BOX[1] / 2), *BOX,
                round(x), round(y + 5), escape(shortened(name, LONGEST)),
            )
        )  # fmt: skip
    return Markup("").join([*parts, Markup("</svg>")])


def _said(names: tuple[str, ...]) -> str:
    return ", ".join(
        f"{name} waits for {other}"
        for name, other in zip(names, (*names[1:], names[0]), strict=True)
    )


def _places(count: int) -> list[tuple[float, float]]:
    if count == 1:
        return [(WIDTH / 2, HEIGHT * 0.68)]
    if count == 2:
        return [(WIDTH / 2, 30), (WIDTH / 2, HEIGHT - 30)]
    radius = (WIDTH / 2 - BOX[0] / 2 - 2, HEIGHT / 2 - BOX[1] / 2 - 6)
    angles = [2 * math.pi * at / count - math.pi / 2 for at in range(count)]
    return [
        (WIDTH / 2 + radius[0] * math.cos(angle), HEIGHT / 2 + radius[1] * math.sin(angle))
        for angle in angles
    ]


def _arrow(places: list[tuple[float, float]], at: int, waits_for: str, key: str) -> Markup:
    """From a thread to the one that it waits for, bent to the right, with what it waits for."""
    x, y = places[at]
    other_x, other_y = places[(at + 1) % len(places)]
    if len(places) == 1:
        path = f"M{x - 30} {y - 17}C{x - 70} {y - 110} {x + 70} {y - 110} {x + 30} {y - 19}"
        label = (x, y - 100)
    else:
        length = math.hypot(other_x - x, other_y - y) or 1.0
        normal = (-(other_y - y) / length, (other_x - x) / length)
        bend = 52 if len(places) == 2 else 18
        middle = ((x + other_x) / 2 + normal[0] * bend, (y + other_y) / 2 + normal[1] * bend)
        start, end = _edge((x, y), middle), _edge((other_x, other_y), middle)
        path = (
            f"M{start[0]:.0f} {start[1]:.0f}Q{middle[0]:.0f} {middle[1]:.0f}"
            f" {end[0]:.0f} {end[1]:.0f}"
        )
        label = (
            (start[0] + end[0]) / 4 + middle[0] / 2 + normal[0] * 8,
            (start[1] + end[1]) / 4 + middle[1] / 2,
        )
    anchor = (
        "middle" if abs(label[0] - WIDTH / 2) < 20 else "start" if label[0] > WIDTH / 2 else "end"
    )
    text = ""
    if len(places) <= 3:
        text = Markup('<text class="what {}" x="{:.0f}" y="{:.0f}">{}</text>').format(
            anchor, label[0], label[1], shortened(waits_for.partition(" made at ")[0], LONGEST_WAIT)
        )
    return (
        Markup(
            '<g><title>{}</title><path class="arrow" d="{}" marker-end="url(#{}-arrow)"/>'
        ).format(waits_for, path, key)
        + text
        + Markup("</g>")
    )


def _edge(centre: tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """Where the line from the centre of a box leaves it."""
    dx, dy = towards[0] - centre[0], towards[1] - centre[1]
    across = (BOX[0] / 2 + 3) / abs(dx) if dx else math.inf
    down = (BOX[1] / 2 + 3) / abs(dy) if dy else math.inf
    share = min(across, down, 1.0)
    return centre[0] + dx * share, centre[1] + dy * share
