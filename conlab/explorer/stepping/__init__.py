"""Where a switch is possible: which bytecodes are switch points, and how a program meets them."""
