"""From what one sees to the pitfalls that show so, best first.

The words of a question are looked for in what each file says of itself: its symptom, its title,
the exception it shows, why it happens. A word counts the more, the fewer pitfalls have it. Words
that people use for the kinds of failure stand for each other.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

from conlab.catalogue.pitfall import Pitfall

# How people call what they see; each group is one thing.
SAME = (
    "hang hangs hung hanging stuck freeze freezes frozen deadlock blocked stall stalls forever",
    "wrong incorrect lost missing low lose loses less vanishes disappears",
    "exception error raises raised crash crashes traceback fails",
    "slow slower performance latency takes long overhead",
    "leak leaks exhausted grows memory descriptors",
    "swallowed silent silently ignored hidden nothing unseen",
    "flaky intermittent sometimes random nondeterministic seldom now",
    "twice duplicate duplicated double repeated same",
    "cancel cancelled cancellation timeout stop shutdown",
    "cpu busy spins livelock",
)
OF_FAILURE = {
    "wrong result": "wrong lost",
    "exception": "exception error crash",
    "lost exception": "swallowed silent exception",
    "deadlock": "hang deadlock stuck freeze",
    "livelock": "livelock cpu hang",
    "stall": "stall slow freeze hang",
    "leak": "leak",
    "needless cost": "slow",
}
WEIGHTS = {"symptom": 3.0, "kind": 3.0, "shows": 3.0, "title": 2.0, "why": 1.0}
OF_A_KIND = 0.6  # what a word counts that stands for the one that was asked
LEAST = 0.25  # of the best one's score: what is shown
MOST = 8  # pitfalls that are shown
COMMON = frozenset(
    (
        "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "from", "has", "have", "i",
        "in", "is", "it", "its", "my", "no", "not", "of", "on", "or", "so", "than", "that", "the",
        "them", "then", "there", "they", "this", "to", "was", "what", "when", "where", "which",
        "while", "who", "will", "with", "you",
    )
)  # fmt: skip


def ranked(words: str, pitfalls: Sequence[Pitfall]) -> list[Pitfall]:
    """The pitfalls that may show so, best first; none if none of the words is known."""
    texts = [_weighted(each) for each in pitfalls]
    seen_in = Counter(word for text in texts for word in text)
    asked = _asked(words)
    scores = [
        sum(
            weight * text[word] * math.log(1 + len(pitfalls) / seen_in[word])
            for word, weight in asked.items()
            if word in text
        )
        for text in texts
    ]
    best = max(scores, default=0.0)
    found = sorted(zip(scores, pitfalls, strict=True), key=lambda each: -each[0])
    return [each for score, each in found if score and score >= LEAST * best][:MOST]


def _asked(words: str) -> dict[str, float]:
    """The stems that were asked for, and those that stand for them, with what each counts."""
    asked = dict.fromkeys(stems(words), 1.0)
    for group in SAME:
        of_group = set(stems(group))
        if of_group & set(asked):
            for word in of_group:
                asked.setdefault(word, OF_A_KIND)
    return asked


def _weighted(pitfall: Pitfall) -> dict[str, float]:
    """What each stem of a pitfall's own words counts."""
    texts = {
        "symptom": pitfall.story["Symptom"],
        "kind": f"{pitfall.failure} {OF_FAILURE.get(pitfall.failure, '')}",
        "shows": " ".join([pitfall.shows, *pitfall.lost, *pitfall.left]),
        "title": f"{pitfall.title} {pitfall.name}",
        "why": pitfall.story["Why"],
    }
    counts: dict[str, float] = {}
    for part, text in texts.items():
        for word in set(stems(text)):
            counts[word] = max(counts.get(word, 0.0), WEIGHTS[part])
    return counts


def stems(text: str) -> list[str]:
    """The words of a text without their endings, in lower case; not those that are in all texts."""
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower())
    joined = re.findall(r"[a-z]{3,}", text.lower())
    return [_stem(word) for word in dict.fromkeys([*words, *joined]) if word not in COMMON]


def _stem(word: str) -> str:
    for ending in ("ings", "ing", "edly", "ed", "es", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
