"""The order to learn in: family by family, and none before what it builds on."""

from dataclasses import replace

from conlab.catalogue import pitfall
from conlab.study.learning import course, in_order

A, B, C = pitfall.collect()[:3]


def test_every_pitfall_is_in_it_once() -> None:
    assert sorted(map(str, course())) == sorted(map(str, pitfall.collect()))


def test_none_comes_before_what_it_builds_on() -> None:
    names = [each.name for each in course()]
    late = [
        (each.name, base)
        for each in course()
        for base in each.builds_on
        if names.index(base) > names.index(each.name)
    ]
    assert late == []


def test_what_each_builds_on_is_there() -> None:
    names = {each.name for each in pitfall.collect()}
    assert {base for each in pitfall.collect() for base in each.builds_on} <= names


def test_the_families_follow_each_other_but_for_what_builds_on_a_later_one() -> None:
    free = [replace(each, builds_on=()) for each in pitfall.collect()]
    families = [each.family for each in in_order(free)]
    assert list(dict.fromkeys(families)) == list(pitfall.families())
    assert families == sorted(families, key=list(pitfall.families()).index)


def test_a_circle_and_an_unknown_name_are_nothing_to_wait_for() -> None:
    circle = [
        replace(A, builds_on=(B.name,)),
        replace(B, builds_on=(A.name,)),
        replace(C, builds_on=("there is none", C.name)),
    ]
    assert {each.name for each in in_order(circle)} == {A.name, B.name, C.name}
