"""What is given is changed in one place at a time, and only what is called."""

import pytest

from conlab.study.mutants import Mutant, mutants

SOURCE = """
FEE = 1

def broken():
    return fee(2)

def fixed():
    return fee(2)

def holds(value):
    return value == 1

def fee(amount):
    return amount - FEE

def quiet():
    return None

class Shop:
    def __init__(self, log):
        log.append(self)
        self.open = 0

    def enter(self):
        self.open += 1
        def inside():
            return [each for each in range(2)]
        return inside()
"""
GIVEN = frozenset({"FEE", "holds", "fee", "quiet", "Shop"})


def of(*called: str) -> list[Mutant]:
    return list(mutants(SOURCE, GIVEN, frozenset(called)))


def result(mutant: Mutant, expression: str) -> object:
    names: dict[str, object] = {}
    exec(compile(mutant.put_into(SOURCE), "mutant", "exec"), names)
    return eval(expression, names)


def test_a_function_returns_something_else() -> None:
    (mutant,) = of("fee")
    assert (mutant.name, mutant.function, mutant.told) == ("fee", "fee", "returns something else")
    assert result(mutant, "fixed()") == 2


def test_what_is_not_called_and_the_oracle_stay_as_they_are() -> None:
    assert not of("holds", "quiet")
    assert not of()


def test_what_an_object_keeps_and_collects_is_changed() -> None:
    twice, kept = of("Shop.__init__")
    assert twice.told == "does log.append(self) twice"
    assert result(twice, "(lambda log: (Shop(log), len(log)))([])[1]") == 2
    assert kept.told == "keeps something else in self.open"
    assert result(kept, "Shop([]).open") == 1


def test_each_part_of_a_method_is_changed_and_what_is_in_it_too() -> None:
    told = [(each.function, each.told) for each in of("Shop.enter")]
    assert told == [
        ("Shop.enter", "does self.open += 1 twice"),
        ("Shop.enter", "returns something else"),
        ("Shop.enter.<locals>.inside", "returns something else"),
        ("Shop.enter.<locals>.inside", "goes through one more than range(2)"),
    ]
    assert result(of("Shop.enter")[3], "Shop([]).enter()") == [0, 1, 2]


@pytest.mark.parametrize(
    ("value", "other"),
    [("1", 2), ("1.5", 2.5), ("True", False), ("'a'", "a~"), ("b'a'", b"a~"), ("[1]", [1, 1])],
)
def test_each_kind_of_value_has_another(value: str, other: object) -> None:
    source = f"def given():\n    return {value}\n"
    (mutant,) = mutants(source, frozenset({"given"}), frozenset({"given"}))
    names: dict[str, object] = {}
    exec(compile(mutant.put_into(source), "mutant", "exec"), names)
    assert eval("given()", names) == other
