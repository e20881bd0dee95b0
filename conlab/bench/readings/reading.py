"""What a reading is: which kind of job was seen, in a sentence, and what follows for a leader."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """``sentence`` says what was seen and what to do.

    ``doubt`` is what has to be said with whoever is fastest, who is then called no leader.
    ``answers`` says that nothing need be added on what would change the answer.
    """

    kind: str
    sentence: str
    doubt: str = ""
    answers: bool = False
