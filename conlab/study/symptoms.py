"""From what one sees to the pitfalls that show so, best first.

The words of a question are looked for in what each file says of itself: its symptom, its title, the
exception it shows, why it happens, the sentence of its family, the modules that it imports. They
are ranked by BM25F (Zaragoza et al., TREC 2004): a word counts the more, the fewer pitfalls have
it, and the shorter the text in which it stands. Words that people use for one thing are one.
"""

import functools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from conlab.catalogue import pitfall as catalogue
from conlab.catalogue.pitfall import Pitfall

# How people call what they see; each group is one thing, by whichever of its words.
SAME = (
    (
        "hang hangs hung hanging stuck freeze freezes frozen deadlock deadlocks blocked blocks"
        " stall stalls forever ever unresponsive stop stops stopped"
    ),
    "wrong incorrect corrupt corrupted inconsistent low void",
    "lost missing lose loses loss vanishes vanished disappears disappeared dropped gone erases",
    "exception exceptions error errors raised traceback",
    "crash crashes crashed killed kills terminated abruptly died dies broken",
    (
        "slow slower slowly performance takes long overhead costs latency lag laggy spikes delay"
        " delays delayed speed speedup faster scale scales scaling throughput"
    ),
    "balance money amount total sum counter count counts votes tally stock",
    "swallowed swallows silent silently ignored hidden nothing unseen nobody thrown",
    (
        "flaky intermittent intermittently sometimes occasionally nondeterministic seldom rarely"
        " unreliable while differ differs different varies"
    ),
    "twice duplicate duplicates duplicated double repeated repeat same both",
    "cancel cancelled cancels cancellation interrupted abort aborted",
    "shutdown exit exits quit ends restart",
    "timeout timeouts late expires",
    "cpu spins livelock busy-loop core cores",
    "memory ram oom grows growing piles",
    "leak leaks leaked exhausted exhausts pooltimeout",
    "descriptors files sockets handles",
    "zombie zombies orphan orphans orphaned outlives leftover stays",
    "ctrl control keyboardinterrupt sigint interrupt",
    "macos mac windows spawn platform",
    "ci laptop",
    "test tests testing suite pytest unittest green",
    "loop eventloop asyncio",
    "process processes worker workers multiprocessing child children",
    "database db sql sqlite transaction query queries row rows",
    "user users customer customers tenant request requests",
    "overload overloaded load storm thundering stampede",
    "pickle pickled unpicklable picklable pickling",
)
# What is said in several words, and the one word for it.
SAID = (
    (r"(never|not|n't) (end|finish|return|respond|answer|terminate|complete|exit|quit)\w*", "hang"),
    (r"\b(no|without( an?| any)?) (error|exception|traceback)s?", "silent"),
    (r"\b(nobody|never|not) (retrieved|noticed|reported|logged)", "silent"),
    (r"\btim(e|es|ed|ing) out", "timeout"),
    (r"\brate[- ]?limit\w*", "overload"),
    (r"(stand|stood)s? still", "hang"),
    (r"now and then|once in a while|from time to time|(from )?run to run|every run", "flaky"),
    (r"(out of|too much|lots of) memory", "memory"),
)
OF_FAILURE = {
    "wrong result": "wrong",
    "exception": "exception crash",
    "lost exception": "swallowed silent exception lost",
    "deadlock": "hang",
    "livelock": "cpu hang",
    "stall": "stall slow",
    "leak": "leak",
    "needless cost": "slow",
}
# What each part of a file counts.
WEIGHTS = {
    "symptom": 3.0,
    "shows": 2.0,
    "title": 2.0,
    "kind": 1.5,
    "why": 0.7,
    "family": 0.7,
    "imports": 0.5,
}
SATURATION = 2.0  # k1 of BM25: how much it counts that a word comes again
SHORT = 0.6  # b of BM25: how much it counts that a text is short
LITERALLY = 0.4  # what it counts besides that the very word was typed, and not one for the same
LEAST = 0.3  # of the best one's score: what matches
MOST = 8  # pitfalls that are shown unless all are asked for
COMMON = frozenset(
    (
        "a", "an", "and", "are", "as", "at", "be", "but", "by", "can", "do", "does", "doesn", "don",
        "for", "from", "get", "gets", "has", "have", "i", "if", "in", "is", "isn", "it", "its",
        "my", "no", "not", "of", "on", "only", "or", "our", "app", "program", "result", "results",
        "run", "runs", "should", "so", "t", "than", "that", "the", "them", "then", "there", "they",
        "this", "to", "was", "what", "when", "where", "which", "while", "who", "why", "will",
        "with", "you",
    )
)  # fmt: skip

Text = Mapping[str, Counter[str]]  # by part of a file: how often each word is in it


def ranked(words: str, pitfalls: Sequence[Pitfall]) -> list[Pitfall]:
    """The pitfalls that may show so, best first; none if none of the words is known."""
    families = catalogue.families()
    texts = [_parts(each, families.get(each.family, "")) for each in pitfalls]
    lengths = {
        part: sum(text[part].total() for text in texts) / len(texts) or 1.0 for part in WEIGHTS
    }
    seen_in = Counter(word for text in texts for word in set().union(*text.values()))
    asked = set(concepts(words))
    scores = [
        sum(
            _rarity(word, seen_in[word], len(texts)) * _saturated(_weight(text, word, lengths))
            for word in asked
            if word in seen_in
        )
        for text in texts
    ]
    best = max(scores, default=0.0)
    found = sorted(zip(scores, pitfalls, strict=True), key=lambda each: -each[0])
    return [each for score, each in found if score and score >= LEAST * best]


@functools.lru_cache(maxsize=4096)
def concepts(text: str) -> tuple[str, ...]:
    """The words of a text; for one of several that are the same, the first of these, and itself."""
    words = stems(text)
    return (
        *(STANDS_FOR.get(word, word) for word in words),
        *(f"={word}" for word in words if word in STANDS_FOR),
    )


def _rarity(word: str, seen_in: int, of: int) -> float:
    return math.log(1 + of / seen_in) * (LITERALLY if word.startswith("=") else 1.0)


def _weight(text: Text, word: str, lengths: Mapping[str, float]) -> float:
    """What a word counts in a pitfall's own words, before it is saturated."""
    return sum(
        weight * text[part][word] / (1 - SHORT + SHORT * text[part].total() / lengths[part])
        for part, weight in WEIGHTS.items()
        if text[part][word]
    )


def _saturated(weight: float) -> float:
    return weight / (SATURATION + weight)


def _parts(pitfall: Pitfall, family: str) -> Text:
    source = pitfall.path.read_text("utf-8")
    texts = {
        "symptom": pitfall.story["Symptom"],
        "kind": OF_FAILURE.get(pitfall.failure, ""),
        "shows": " ".join([pitfall.shows, *pitfall.lost, *pitfall.left]),
        "title": f"{pitfall.title} {pitfall.name}",
        "why": pitfall.story["Why"],
        "family": f"{pitfall.family} {family}",
        "imports": " ".join(re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE)),
    }
    return {part: Counter(concepts(text)) for part, text in texts.items()}


def stems(text: str) -> list[str]:
    """The words of a text without their endings, in lower case; not those that are in all texts."""
    for several, one in SAID:
        text = re.sub(several, one, text, flags=re.IGNORECASE)
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower())
    joined = [each for each in re.findall(r"[a-z]{3,}", text.lower()) if each not in words]
    return [_stem(word) for word in [*words, *joined] if word not in COMMON]


def _stem(word: str) -> str:
    for ending in ("ings", "ing", "edly", "ed", "es", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


STANDS_FOR = {stem: group.split()[0] for group in SAME for stem in stems(group)}
