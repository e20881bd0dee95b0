"""What the programs under test have in common: how they run in threads, and how they are made."""

import importlib.util
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType


def run_all(*targets: Callable[[], object]) -> None:
    """Start a thread for each before the first is waited for."""
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def module_of(file: Path, source: str) -> ModuleType:
    """Write a file and import it, by no name that other code could import it by."""
    file.write_text(source)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
