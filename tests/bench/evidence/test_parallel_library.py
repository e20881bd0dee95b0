"""A library that may compute in parallel is named by the file that it was loaded from."""

import pytest

from conlab.bench.evidence import parallel_library


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"libscipy_openblas64_-abc.so"}, "OpenBLAS"),
        ({"libgomp-a.so.1", "libmkl_rt.so.2"}, "MKL, OpenMP"),
        ({"libc.so.6"}, ""),
        (set(), ""),
    ],
)
def test_libraries_are_named_by_their_files(
    files: set[str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel_library, "files_loaded", lambda: files)
    assert parallel_library.loaded() == named


def test_the_files_of_this_process_are_found_or_none() -> None:
    assert all(name == name.lower() for name in parallel_library.files_loaded())
