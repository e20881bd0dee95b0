"""The trace gate: holds a thread at a named statement until the order that was asked for has come.

The program is not changed: a trace function sees that a statement of the gated file is about to
run, tells the warden, and waits for its word. So it works alike across threads and processes.
"""

import json
import linecache
import os
import socket
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any


def close() -> None:
    """Trace this process, and every thread that it starts, at the statements of CONLAB_GATE."""
    gate = json.loads(os.environ["CONLAB_GATE"])
    file = gate["file"]
    statements = frozenset(gate["statements"])

    def enter(frame: FrameType, event: str, _: Any) -> Any:
        if event != "call" or frame.f_code.co_filename != file:
            return None
        running: str | None = None

        def step(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal running
            if running is not None:  # whatever comes next, the statement before it has ended
                _tell("after", running)
                running = None
            if event == "line":
                statement = linecache.getline(file, frame.f_lineno).strip()
                if statement in statements:
                    _tell("before", statement)
                    running = statement
            return step

        return step

    threading.settrace(enter)
    sys.settrace(enter)


def _tell(moment: str, statement: str) -> None:
    """Tell the warden, and return when it says so."""
    with socket.socket(socket.AF_UNIX) as warden:
        warden.connect(str(Path(os.environ["CONLAB_JUDGE"], "warden")))
        warden.sendall(json.dumps({"says": moment, "statement": statement}).encode() + b"\n")
        warden.recv(1)
