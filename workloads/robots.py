"""robots.txt as RFC 9309 reads it: whatever a file says, it is read and obeyed at a bounded cost.

``urllib.robotparser`` looks at every rule for each address, and there are lines that end it with
ValueError. Protego notes each rule of a group under each of its names: 100 kB make 1.4 GB.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import quote

from .http_client import RequestError

# In all rules with wildcards together, some 200 rules: so a page full of links costs 2 s at most.
MAX_WILD_CHARACTERS = 4_096

LINE_END = re.compile(r"[\r\n]+")
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
KEPT = "/?#%*$&+=;"  # an escape of one of these means something else than the character
SAFE = "/?#[]@!&'()+,;=:%"  # not * and $: those that are no signs are escaped

Rule = tuple[str, bool]  # path, and whether it is allowed


class RulesError(RequestError):
    """A robots.txt that cannot be obeyed at a bounded cost."""

    words = f"more than {MAX_WILD_CHARACTERS} characters in rules with wildcards"


@dataclass(frozen=True, slots=True)
class Wildcards:
    """Rules with a ``*`` or a final ``$``, matched all at once in one step for each character.

    Bit n of a state says that what was read matches up to the n-th character of the rules, written
    one behind the other, the longest last: Shift-And (R. Baeza-Yates and G. Gonnet, "A New Approach
    to Text Searching", Communications of the ACM, 1992).
    """

    starts: int = 0
    steps: dict[str, int] = field(default_factory=dict)  # {character: the bits before it}
    stars: int = 0  # the bits that outlast any character
    ends: int = 0
    kinds: dict[int, tuple[int, bool]] = field(default_factory=dict)  # {end: length, allowed}

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Self:
        """These rules."""
        starts = stars = ends = bit = 0
        steps: dict[str, int] = defaultdict(int)
        kinds = {}
        for length, allowed, path in sorted((len(path), allowed, path) for path, allowed in rules):
            starts |= 1 << bit
            for character in path.removesuffix("$"):
                if character == "*":
                    stars |= 1 << bit
                else:
                    steps[character] |= 1 << bit
                    bit += 1
            if not path.endswith("$"):
                stars |= 1 << bit
            ends |= 1 << bit
            kinds[bit] = length, allowed
            bit += 1
        return cls(starts, dict(steps), stars, ends, kinds)

    def longest(self, path: str) -> tuple[int, bool]:
        """Of the longest rule that ``path`` matches: its length, and whether it allows."""
        state = self.starts
        for character in path:
            state = (state & self.steps.get(character, 0)) << 1 | state & self.stars
        matched = state & self.ends
        return self.kinds[matched.bit_length() - 1] if matched else (0, True)


@dataclass(frozen=True, slots=True)
class Rules:
    """Where a site lets us go."""

    prefixes: dict[str, bool] = field(default_factory=dict)  # {start of a path: is it allowed?}
    lengths: tuple[int, ...] = ()  # of the prefixes, the longest first
    wildcards: Wildcards = Wildcards()

    @classmethod
    def read(cls, url: str, text: str, agent: str) -> Self:
        """The rules for ``agent``, a name in lower case, in the ``text`` of the robots.txt ``url``.

        Raises:
            RulesError: there are too many with wildcards.
        """
        prefixes: dict[str, bool] = {}
        patterns = set()
        for path, allowed in rules_for(agent, text):
            if "*" in path or "$" in path:
                patterns.add((path, allowed))
            else:
                prefixes[path] = allowed or prefixes.get(path, False)
        if sum(len(path) for path, _ in patterns) > MAX_WILD_CHARACTERS:
            raise RulesError.at(url)
        lengths = sorted({len(path) for path in prefixes}, reverse=True)
        return cls(prefixes, tuple(lengths), Wildcards.of(patterns))

    def allow(self, path: str) -> bool:
        """Say whether ``path``, its query included, may be visited: the longest rule counts."""
        path = canonical(path)
        starts = (path[:length] for length in self.lengths)
        prefix = next((start for start in starts if start in self.prefixes), "")
        plain = len(prefix), self.prefixes.get(prefix, True)
        return max(plain, self.wildcards.longest(path))[1]  # of two as long, the one that allows


def rules_for(agent: str, text: str) -> list[Rule]:
    """The rules of all groups for ``agent``, or if there are none, of those for everybody.

    What is no rule and no name is passed over, as if it were not there.
    """
    groups: dict[str, list[Rule]] = {}
    names: set[str] = set()  # of these two, whom the group is for
    named = False  # by the line before
    for line in LINE_END.split(text.removeprefix("\ufeff")):
        name, _, value = (part.strip() for part in line.partition("#")[0].partition(":"))
        match name.lower():
            case "user-agent":
                names = names if named else set()
                named = True
                if (token := value.partition("/")[0].strip().lower()) in (agent, "*"):
                    names.add(token)
                    groups.setdefault(token, [])
            case "allow" | "disallow" as verb:
                named = False
                if value:
                    for token in names:
                        groups[token].append((pattern(value), verb == "allow"))
    return groups.get(agent, groups.get("*", []))


def pattern(path: str) -> str:
    """The path of a rule in its one spelling, in which ``*`` and ``$`` are signs alone."""
    anchor = "$" if path.endswith("$") else ""
    parts = path.removesuffix("$").split("*")
    return "*".join(map(canonical, parts)) + anchor


def canonical(path: str) -> str:
    """The one spelling of a path: what can stand for itself does, all else is escaped."""

    def spelled(escape: re.Match[str]) -> str:
        if escape[1] is None:
            return "%25"
        character = chr(int(escape[1], 16))
        as_itself = "!" <= character <= "~" and character not in KEPT
        return character if as_itself else escape[0].upper()

    return quote(ESCAPE.sub(spelled, path), safe=SAFE, errors="replace")
