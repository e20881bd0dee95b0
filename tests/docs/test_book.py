"""The book is built without a warning, and a link that leads nowhere is one."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import patience

ROOT = Path(__file__).parents[2]


def build(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Read all pages and resolve all links, as a build does; run no pair, and write no HTML."""
    options = ["-W", "--keep-going", "-q", "-b", "dummy", "-D", "catalogue_evidence=0"]
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *options, "-d", str(out / "trees"), str(source), str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patience(300),
        check=False,
    )


@pytest.mark.timeout(400)
def test_it_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("myst_parser", reason="the extra docs is not installed here")
    built = build(ROOT / "docs", tmp_path)
    assert (built.returncode, built.stderr) == (0, "")


@pytest.mark.timeout(400)
def test_a_link_that_leads_nowhere_fails_a_build(tmp_path: Path) -> None:
    pytest.importorskip("myst_parser", reason="the extra docs is not installed here")
    source = tmp_path / "docs"
    source.mkdir()
    (source / "conf.py").write_text('extensions = ["myst_parser"]\nmyst_heading_anchors = 3\n')
    (source / "index.md").write_text("# A book\n\n[here](#a-book) [nowhere](#no) [none](no.md)\n")
    built = build(source, tmp_path)
    assert built.returncode == 1
    assert "'no'" in built.stderr and "no.md" in built.stderr  # noqa: PT018
