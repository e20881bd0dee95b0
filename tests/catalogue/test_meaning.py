"""What a side returned is said in the words in which its file prints it."""

import ast

import pytest

from conlab.catalogue import pitfall
from conlab.catalogue.meaning import in_words, template_of
from conlab.catalogue.pitfall import Pitfall


@pytest.mark.parametrize(
    ("printed", "returned", "said"),
    [
        ('f"{(n := side())} of {PAGES} pages:"', "7", "7 of 1000 pages"),
        ('f"The test {(n := side())}:"', "'passed'", "The test passed"),
        ('f"The parent hears {(n := side())!r}:"', "'expired'", "The parent hears 'expired'"),
        ('f"{(n := side()):,} bytes of {len(ORDERS)}:"', "1000000", "1,000,000 bytes of 2"),
        ('f"{(n := side())} left:"', "<object at 0x7f>", "<object at 0x7f> left"),
        ('f"{(n := side())} of {UNKNOWN}:"', "7", ""),
        ('"it is done"', "7", ""),
    ],
)
def test_the_words_are_those_that_the_file_prints(printed: str, returned: str, said: str) -> None:
    template = template_of(ast.parse(f"print({printed}, right)"))
    assert in_words(template, returned, {"PAGES": 1000, "ORDERS": ["pear", "plum"]}) == said


@pytest.mark.parametrize(
    "judged",
    [each for each in pitfall.collect() if each.evidence != "explored"],
    ids=str,
)
def test_every_judged_pair_says_what_its_value_means(judged: Pitfall) -> None:
    said = in_words(judged.says, "4711", judged.names)
    assert "4711" in said
    assert said != "4711"
