"""What the programs under test have in common: they run functions in threads, and wait for all."""

import threading
from collections.abc import Callable


def run_all(*targets: Callable[[], object]) -> None:
    """Start a thread for each before the first is waited for."""
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
