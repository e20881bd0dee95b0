"""The order to learn the pitfalls in: family by family, and none before what it builds on.

A file may declare in BUILDS_ON the pitfalls that it takes for known. Within a family those come
first that others build on, and of these the short ones. A name that there is no pitfall of, and a
circle, are nothing to wait for.
"""

import heapq
from collections.abc import Sequence

from conlab.catalogue import pitfall
from conlab.catalogue.pitfall import Pitfall


def in_order(pitfalls: Sequence[Pitfall]) -> list[Pitfall]:
    """The pitfalls in the order to learn them in."""
    families = list(dict.fromkeys(each.family for each in pitfalls))
    known = {each.name: each for each in pitfalls}
    bases = {each.name: set(each.builds_on) & set(known) - {each.name} for each in pitfalls}

    built_on = set().union(*bases.values()) if bases else set()

    def place(each: Pitfall) -> tuple[int, bool, int, str]:
        lines = len(each.broken.splitlines())
        return families.index(each.family), each.name not in built_on, lines, each.name

    waiting = dict(known)
    ready = [(place(each), name) for name, each in known.items() if not bases[name]]
    heapq.heapify(ready)
    order: list[Pitfall] = []
    while waiting:
        if not ready:  # a circle: the one that would come first anyway goes first
            name = min(waiting, key=lambda each: place(known[each]))
            heapq.heappush(ready, (place(known[name]), name))
        _, name = heapq.heappop(ready)
        if name not in waiting:
            continue
        order.append(waiting.pop(name))
        for other in waiting:
            if name in bases[other]:
                bases[other].discard(name)
                if not bases[other]:
                    heapq.heappush(ready, (place(known[other]), other))
    return order


def course() -> list[Pitfall]:
    """All pitfalls of the collection in the order to learn them in."""
    return in_order(pitfall.collect())
