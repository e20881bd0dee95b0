"""Aims a Python process of a side, then lets the reader's own sitecustomize have its turn.

Python imports a module of this name by itself, in the processes and interpreters of a pool too, and
after it has read what editable installs left.
"""

import contextlib
import importlib
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
if "CONLAB_SIDE_FOLDERS" in os.environ:
    importlib.import_module("conlab_side").main()  # the file beside this one

sys.path[:] = [folder for folder in sys.path if folder != here]
ours = sys.modules.pop(__name__)
with contextlib.suppress(ModuleNotFoundError):
    importlib.import_module(__name__)  # another one, if there is one
sys.modules.setdefault(__name__, ours)
