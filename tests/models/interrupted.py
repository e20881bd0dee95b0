"""A program with a pool at work, to be interrupted or killed: ``python -m ... MODEL FOLDER``."""

import sys
from pathlib import Path

from conlab.bench import discovery
from tests.models.contract import opened, work

JOBS = 1000


def main(name: str, folder: Path) -> None:
    """Run jobs that wait until the folder tells them to end."""
    model = next(model for model in discovery.models() if model.name == name)
    try:
        with opened(model) as run:
            jobs = ((number, folder) for number in range(JOBS))
            print(len(list(run(work(model, "run_until_told"), jobs))))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
