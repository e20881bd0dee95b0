"""Prints the atlas of this build as JSON, for another process to read."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from conlab.atlas.idioms import IDIOMS
from conlab.atlas.observation import TRIAL_ACTS, rows
from conlab.atlas.trial import trial


def main(arguments: Sequence[str]) -> None:
    """Print the rows as JSON, one a line; given a name, only how often that idiom went wrong."""
    acts = int(arguments[0]) if arguments else TRIAL_ACTS
    if len(arguments) > 1:
        print(trial(next(idiom for idiom in IDIOMS if idiom.name == arguments[1]), acts))
        return
    for row in rows(acts=acts):
        print(json.dumps(asdict(row)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
