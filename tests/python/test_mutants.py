"""The mutants of `make mutants` apply to the current sources, and docs/reliability.md has a result for each."""

import importlib.util

import pytest
from output import ROOT

spec = importlib.util.spec_from_file_location("mutants", ROOT / "scripts/mutants.py")
mutants = importlib.util.module_from_spec(spec)
spec.loader.exec_module(mutants)


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_applies_and_its_tests_exist(mutant):
    assert mutants.stale(mutant) is None
    assert mutant.old != mutant.new and mutant.tests


def test_names_are_unique():
    names = [mutant.name for mutant in mutants.MUTANTS]
    assert len(set(names)) == len(names) >= 10


def test_stale_mutants_are_recognized():
    mutant = mutants.MUTANTS[0]
    vague = mutants.Mutant("vague", "", mutant.path, "fn ", "", mutant.tests)
    gone = mutants.Mutant("gone", "", mutant.path, "no such text", "", mutant.tests)
    untested = mutants.Mutant("untested", "", mutant.path, mutant.old, "", ("tests/edge/answers.rs::no_such_test",))
    for stale in (vague, gone, untested):
        assert mutants.stale(stale).startswith(stale.name)


def test_the_page_has_the_result_of_every_mutant():
    text = mutants.PAGE.read_text().split(mutants.BEGIN)[1].split(mutants.END)[0]
    shown = [line.split(" | ")[0].removeprefix("| ") for line in text.splitlines() if line.startswith("| ")]
    assert shown == ["defect", *(mutant.title for mutant in mutants.MUTANTS)]
    assert "not caught" not in text
