"""``python -m conlab`` does what ``conlab`` does."""

import sys

from conlab.cli import main

if __name__ == "__main__":
    sys.exit(main())
