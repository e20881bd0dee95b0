"""A question is the same for the same seed, and neither words nor kinds give its answer away."""

import pytest

from conlab.catalogue.pitfall import Pitfall
from conlab.study import quiz
from conlab.study.gists import GISTS, gist
from conlab.study.learning import course
from conlab.study.symptoms import stems

ALL = course()
SEEDS = range(100)


def test_a_quiz_of_a_family_draws_from_it_and_answers_from_all() -> None:
    few = [each for each in ALL if each.family == "testing"]
    questions = [quiz.question(few, ALL, [], seed) for seed in range(20)]
    assert {each.pitfall.family for each in questions} == {"testing"}
    assert {len(each.choices) for each in questions} == {quiz.CHOICES}


def test_without_a_seed_it_draws_first_what_was_not_studied() -> None:
    *studied, new = [each.name for each in ALL]
    for _ in range(5):
        question = quiz.question(ALL, ALL, studied, None)
        assert question.pitfall.name == new
        assert len({each.name for each in question.choices}) == quiz.CHOICES


@pytest.mark.parametrize("seed", [0, 3, 7])
def test_with_a_seed_it_is_the_same_whatever_was_studied(seed: int) -> None:
    fresh = quiz.question(ALL, ALL, [], seed)
    assert quiz.question(ALL, ALL, [fresh.pitfall.name], seed) == fresh
    assert quiz.question(ALL, ALL, [each.name for each in ALL], seed) == fresh


def test_the_words_of_the_program_do_not_tell_which_answer_is_right() -> None:
    """Seldom has the right answer the most words of the program, and it alone."""
    right = 0
    for seed in SEEDS:
        question = quiz.question(ALL, ALL, [], seed)
        program = set(stems("\n".join(question.lines()).partition("1  ")[0]))
        shared = [len(set(stems(gist(each))) & program) for each in question.choices]
        right += shared[question.answer - 1] > max(
            each for at, each in enumerate(shared) if at != question.answer - 1
        )
    assert right <= len(SEEDS) * 0.1


def test_the_kinds_do_not_tell_which_answer_is_right() -> None:
    """Another answer fails in the same way where any pitfall does, and not all of them do."""
    for seed in SEEDS:
        question = quiz.question(ALL, ALL, [], seed)
        kinds = [each.failure for each in question.choices]
        kind = question.pitfall.failure
        of_kind = sum(each.failure == kind for each in ALL)
        assert kinds.count(kind) >= min(2, of_kind)
        assert len(set(kinds)) > 1


@pytest.mark.parametrize("pitfall", ALL, ids=str)
def test_what_goes_wrong_is_said_in_other_words(pitfall: Pitfall) -> None:
    said = gist(pitfall)
    assert said != pitfall.title
    assert said[0].isupper()
    assert said.endswith(".")
    assert not set(stems(pitfall.name)) <= set(stems(said))


def test_a_question_prints_the_answers_in_words() -> None:
    question = quiz.question(ALL, ALL, [], 3)
    printed = " ".join(" ".join(question.lines()).split())
    for number, each in enumerate(question.choices, 1):
        assert f"{number} {gist(each)}" in printed
        assert each.title not in printed


def test_nothing_is_said_of_a_pitfall_that_is_not_there() -> None:
    assert set(GISTS) == {each.name for each in ALL}
