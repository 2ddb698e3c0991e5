"""Every row of the tables of precisions, and the page that shows them."""

import dataclasses
import importlib

import jax
import pytest

from tests.theory.precision.rows import check
from tests.theory.precision.table import PAGE, REFUSALS, TABLE, known_questions, page, public_questions


def name(entry) -> str:
    return entry.questions[0]


@pytest.mark.slow  # compiles every name in both precisions: minutes
@pytest.mark.parametrize("row", TABLE, ids=name)
def test_single_precision(row):
    check(row, double=False)


@pytest.mark.slow
@pytest.mark.parametrize("row", [row for row in TABLE if row.exact is not None], ids=name)
def test_double_precision(row):
    check(row, double=True)


@pytest.mark.parametrize("refusal", REFUSALS, ids=name)
def test_single_precision_is_refused(refusal):
    assert len(refusal.asked) == len(refusal.questions)
    for ask in refusal.asked:
        with jax.enable_x64(False), pytest.raises(ValueError, match="jax_enable_x64"):
            ask()


def test_the_table_has_every_public_question_and_others_that_exist():
    known, public = set(known_questions()), set(public_questions())
    assert public - known == set()
    for question in known - public:
        module, _, function = question.rpartition(".")
        assert hasattr(importlib.import_module(f"theory.{module}"), function), question


def test_a_promise_that_is_not_kept_is_seen():
    row = dataclasses.replace(TABLE[0], single=1e-8, double=1e-17)
    for double in (False, True):
        with pytest.raises(AssertionError):
            check(row, double=double)


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.theory.precision > docs/precision.md"
