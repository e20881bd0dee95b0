"""Which projects must be built, and which files say what libraries a project gets."""

from pathlib import Path

import pytest

from conlab.versus.sides.building import must_be_built, requirements_in

SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'


@pytest.mark.parametrize(
    ("file", "text", "must"),
    [
        ("pyproject.toml", SETUPTOOLS, False),
        ("pyproject.toml", '[build-system]\nbuild-backend = "hatchling.build"', False),
        ("pyproject.toml", '[build-system]\nbuild-backend = "maturin"', True),
        ("pyproject.toml", '[build-system]\nbuild-backend = "mesonpy"', True),
        ("pyproject.toml", '[build-system]\nbuild-backend = "scikit_build_core.build"', True),
        ("pyproject.toml", '[build-system]\nrequires = ["setuptools-rust>=1"]', True),
        ("pyproject.toml", '[[tool.setuptools.ext-modules]]\nname = "a"\nsources = ["a.c"]', True),
        ("pyproject.toml", "[tool.hatch.build.targets.wheel.hooks.mypyc]", True),
        ("pyproject.toml", '[tool.setuptools_scm]\nversion_file = "src/a/_version.py"', True),
        ("pyproject.toml", '[tool.setuptools_scm]\nversion_file = "pyproject.toml"', False),
        ("pyproject.toml", '[tool.hatch.build.hooks.vcs]\nversion-file = "_version.py"', True),
        ("setup.py", "setup(ext_modules=cythonize('a.pyx'))", True),
        ("setup.py", "setup(name='a')", False),
        ("notes.txt", "ext_modules", False),
    ],
)
def test_what_must_be_built_is_seen(tmp_path: Path, file: str, text: str, must: bool) -> None:
    (tmp_path / file).write_text(text)
    assert must_be_built(tmp_path) is must


def test_files_that_decide_about_libraries_are_known() -> None:
    named = [
        "requirements.txt", "parts/requirements-dev.txt", "requirements/base.txt", "uv.lock",
        "poetry.lock", "pyproject.toml", "setup.cfg", "Pipfile", "pylock.ci.toml",
    ]  # fmt: skip
    assert requirements_in(named) == named
    assert requirements_in(["README.md", "src/a.py", "docs/required.txt", "yarn.lock"]) == []
