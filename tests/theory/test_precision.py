"""Every row of the table of precisions, and the page that shows it."""

import numpy as np
import pytest

from tests.theory.precision import PAGE, TABLE, largest_error, page


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.function)
def test_single_precision(entry):
    assert largest_error(entry, np.float32, exact=entry.exact is not None) <= entry.single


@pytest.mark.parametrize(
    "entry", [entry for entry in TABLE if entry.exact is not None], ids=lambda entry: entry.function
)
def test_double_precision(entry):
    assert largest_error(entry, np.float64, exact=True) <= entry.double


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.theory.precision > docs/precision.md"
