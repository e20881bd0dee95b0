"""Has what this process does taken note of; then the reader's own sitecustomize has its turn."""

import contextlib
import importlib
import os
import sys
from pathlib import Path

if "CONLAB_RECORD" in os.environ:
    importlib.import_module("conlab_recorder").install()  # the file beside this one

here = str(Path(__file__).parent)
sys.path[:] = [folder for folder in sys.path if folder != here]
ours = sys.modules.pop(__name__, None)
with contextlib.suppress(ModuleNotFoundError):
    importlib.import_module(__name__)
if ours is not None:
    sys.modules.setdefault(__name__, ours)
