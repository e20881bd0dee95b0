"""Takes note of what a reader has done, and says what comes next and where the note is kept."""

import sys

from conlab import terminal
from conlab.catalogue.pitfall import Pitfall
from conlab.study.learning import course
from conlab.study.printing import paragraph
from conlab.study.progress import kept_in, progress_so_far


def note(*, studied: str = "", mended: str = "") -> None:
    """Remember that a pitfall was studied or mended; say it where that may not be kept."""
    remembered = progress_so_far()
    remembered.take_note(studied=studied, mended=mended)
    if remembered.problem:
        said = f"conlab: what you have studied may not be remembered: {remembered.problem}"
        print(terminal.plain(said), file=sys.stderr)


def studied_so_far(told: Pitfall) -> list[str]:
    """What to do with the pitfall that was just told, and how far the reader has come."""
    remembered, names = progress_so_far(), [each.name for each in course()]
    count = sum(name in remembered.studied for name in names)
    mend = (
        f"conlab study {told.name} --exercise > fix.py, edit fix.py, and conlab study {told.name}"
        " --check fix.py"
    )
    kept = (
        f"Studied: {count} of {len(names)}, kept in {terminal.plain(kept_in())}. conlab study"
        " --next goes on; --start-over forgets."
    )
    return [*paragraph(mend, first="Mend it yourself: ", rest="  "), *paragraph(kept)]
