"""Names the libraries that may compute on several threads by themselves, where they can be named.

It is a name and no evidence: a library that is loaded need not be what computes.
"""

import importlib.util
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

LIBRARIES = {  # by what a shared library's file is called
    "openblas": "OpenBLAS",
    "mkl_rt": "MKL",
    "libblis": "BLIS",
    "libgomp": "OpenMP",
    "libiomp": "OpenMP",
    "libomp": "OpenMP",
    "libtbb": "TBB",
    "_polars": "Polars",
    "libarrow": "Arrow",
    "cv2": "OpenCV",
}


def loaded() -> str:
    """The libraries of that kind that this process has loaded; empty where nobody can tell."""
    names = {LIBRARIES[part] for part in LIBRARIES for file in files_loaded() if part in file}
    return ", ".join(sorted(names))


def files_loaded() -> set[str]:
    """The names of the shared libraries in this process, by threadpoolctl or by the system."""
    if importlib.util.find_spec("threadpoolctl"):
        import threadpoolctl  # type: ignore[import-not-found, import-untyped, unused-ignore]

        found: list[dict[str, Any]] = threadpoolctl.threadpool_info()
        return {Path(one["filepath"]).name.lower() for one in found}
    with suppress(psutil.Error, AttributeError, OSError):  # macOS has no memory_maps()
        return {Path(one.path).name.lower() for one in psutil.Process().memory_maps()}
    return set()
