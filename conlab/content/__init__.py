"""The content, wherever this conlab lies: the folders ``workloads`` and ``pitfalls``.

A wheel carries them in this folder, and there they are ``conlab.content.workloads`` and
``conlab.content.pitfalls``: a reader's own package of one of those names is another. In a clone
they lie beside conlab, and are found here by the same names; only the clone's own tests and
benchmarks import them as ``workloads`` and ``pitfalls``.
"""

from pathlib import Path

from conlab.errors import UserError

HERE = Path(__file__).resolve().parent
PACKAGE = "conlab.content"  # in which the content is imported outside the clone's own tests
IN_CLONE = not (HERE / "workloads").is_dir()
ROOT = HERE.parents[1] if IN_CLONE else HERE  # the folder that holds both

if IN_CLONE:
    __path__.append(str(ROOT))


def clone() -> Path:
    """The root of the clone. Raises UserError where this conlab was installed from a wheel."""
    if not IN_CLONE:
        raise UserError("this needs a clone of Concurrency Lab, and here it is installed alone")
    return ROOT
