"""Where the modules of a project are, as its own metadata says."""

from pathlib import Path

import pytest

from conlab.bench.discovery import own_workload
from conlab.bench.layout import import_folders, project_names, project_root


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("file", "text", "folder"),
    [
        ("pyproject.toml", '[tool.setuptools.package-dir]\n"" = "lib"', "lib"),
        ("pyproject.toml", '[tool.setuptools.package-dir]\n"a.b" = "lib/a/b"', "lib"),
        ("pyproject.toml", '[tool.setuptools.packages.find]\nwhere = ["lib"]', "lib"),
        ("pyproject.toml", '[tool.hatch.build.targets.wheel]\npackages = ["lib/a"]', "lib"),
        ("pyproject.toml", '[tool.hatch.build.targets.wheel]\nsources = ["lib"]', "lib"),
        ("pyproject.toml", '[tool.hatch.build]\ndev-mode-dirs = ["lib"]', "lib"),
        ("pyproject.toml", '[[tool.poetry.packages]]\ninclude = "a"\nfrom = "lib"', "lib"),
        ("pyproject.toml", '[tool.pdm.build]\npackage-dir = "lib"', "lib"),
        ("pyproject.toml", '[tool.maturin]\npython-source = "lib"', "lib"),
        ("pyproject.toml", '[tool.uv.build-backend]\nmodule-root = "lib"', "lib"),
        ("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ["lib"]', "lib"),
        ("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = "lib other"', "lib"),
        ("setup.cfg", "[options]\npackage_dir =\n    = lib", "lib"),
        ("setup.cfg", "[options.packages.find]\nwhere = lib", "lib"),
        ("setup.py", "from setuptools import setup\nsetup(package_dir={'': 'lib'})", "lib"),
        ("setup.py", "setup(packages=find_packages(where='lib'))", "lib"),
        ("pytest.ini", "[pytest]\npythonpath = lib", "lib"),
        ("tox.ini", "[pytest]\npythonpath = lib", "lib"),
        ("src/a/__init__.py", "", "src"),
    ],
)
def test_a_folder_that_the_metadata_names_is_one_before_the_root(
    tmp_path: Path, file: str, text: str, folder: str
) -> None:
    (tmp_path / "lib").mkdir()
    written(tmp_path, {file: text})
    assert import_folders(tmp_path) == [tmp_path / folder, tmp_path]


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": "no toml ["},
        {"setup.cfg": "no section"},
        {"setup.py": "no python ("},
        {"setup.py": "setup(package_dir={'': folder()})"},
        {"src/__init__.py": ""},
        {"pyproject.toml": '[tool.maturin]\npython-source = ".."'},
        {"pyproject.toml": '[tool.maturin]\npython-source = "none"'},
        {"pyproject.toml": "[tool]\nsetuptools = 3\npoetry.packages = [1]"},
    ],
    ids=lambda files: str(next(iter(files.items()))),
)
def test_what_names_no_folder_of_the_project_leaves_the_root(
    tmp_path: Path, files: dict[str, str]
) -> None:
    assert import_folders(written(tmp_path, files)) == [tmp_path]


def test_a_project_is_called_as_any_tool_has_it(tmp_path: Path) -> None:
    written(tmp_path, {"pyproject.toml": '[project]\nname = "Shop_Kit"'})
    assert project_names(tmp_path) == {"shop-kit"}
    written(tmp_path, {"pyproject.toml": '[tool.poetry]\nname = "shop.kit"'})
    assert project_names(tmp_path) == {"shop-kit"}
    (tmp_path / "pyproject.toml").unlink()
    written(tmp_path, {"setup.cfg": "[metadata]\nname = shopkit"})
    assert project_names(tmp_path) == {"shopkit"}


def test_the_project_of_a_file_is_the_nearest(tmp_path: Path) -> None:
    written(
        tmp_path, {"pyproject.toml": "", "parts/one/setup.py": "", "parts/one/bench/job.py": ""}
    )
    assert project_root(tmp_path / "parts/one/bench/job.py") == tmp_path / "parts/one"
    assert project_root(tmp_path / "bench/job.py") == tmp_path


def test_a_job_imports_from_its_project_without_tricks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setattr(sys, "path", list(sys.path))
    job = (
        "from shopkit_of_layout import N\n\ndef jobs(): return range(N)\n\ndef work(n): return n\n"
    )
    files = {"pyproject.toml": "", "shopkit_of_layout/__init__.py": "N = 3", "bench/n_job.py": job}
    written(tmp_path, files)
    workload = own_workload(tmp_path / "bench" / "n_job.py")
    assert list(workload.hook("jobs")()) == [0, 1, 2]
    assert sys.path[0] == str(tmp_path / "bench")
    assert sys.path[-1] == str(tmp_path)  # what is installed under that name goes first
