"""The texts of tests: which use a benchmark, and which are another than they were."""

from textwrap import dedent

from conlab.versus.benchmark_tests.texts import benchmarks, functions, own_name

TEXT = dedent(
    '''
    import pytest

    @pytest.fixture
    def prepared(benchmark):
        return benchmark

    def test_plain():
        pass

    def test_total(benchmark):
        """Add up."""
        assert benchmark(sum, [1]) == 1

    class TestWords:
        def test_sort(self, words, *, benchmark):
            benchmark(sorted, words)

    if True:
        def test_woven(benchmark_weave):
            pass
    '''
)


def test_benchmarks_are_found_in_classes_and_branches_and_fixtures_are_none() -> None:
    assert benchmarks(TEXT) == {"test_total", "TestWords::test_sort", "test_woven"}


def test_layout_and_comments_change_no_text_and_another_number_does() -> None:
    before = functions(TEXT)
    assert (
        functions(TEXT.replace("[1])", "[\n    1,\n    ])").replace("pass", "pass  # nothing"))
        == before
    )
    changed = functions(TEXT.replace("== 1", "== 2"))
    assert {name for name in before if before[name] != changed[name]} == {"test_total"}


def test_a_text_that_is_no_python_has_no_functions() -> None:
    assert functions("def (") == {}
    assert benchmarks("def (") == set()


def test_the_name_of_a_test_has_neither_file_nor_parameters() -> None:
    assert own_name("tests/test_a.py::TestB::test_c[d::e-1]") == "TestB::test_c"
