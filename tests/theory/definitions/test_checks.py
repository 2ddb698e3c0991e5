"""What arguments must be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory.definitions.checks import check_times, check_whole
from theory.definitions.schedules import CosineSchedule, LinearSchedule, SigmoidSchedule


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        ([1.0], "sequence of two or more"),
        ([[1.0, 0.5]], "sequence of two or more"),
        ([0.5, 0.5], "strictly monotone"),
        ([0.1, 0.5, 0.2], "strictly monotone"),
        ([1.0, -0.5], "finite and zero or more"),
        ([-2.0, -1.0], "finite and zero or more"),
        ([1.0, np.nan], "finite and zero or more"),
        ([np.inf, 1.0], "finite and zero or more"),
    ],
)
def test_times_that_make_no_sense(times, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_times(jnp.asarray(times))


def test_times_that_do_and_those_that_are_traced():
    for times in ([1.0, 0.0], [0.0, 0.5, 1.0]):
        check_times(jnp.asarray(times))
    jax.jit(check_times)(jnp.asarray([1.0, 1.0]))


@pytest.mark.parametrize("number", [0, -1, 2.5, np.nan, np.inf, [1, 2], "3", True, None])
def test_what_is_no_whole_number(number):
    with pytest.raises(ValueError, match="steps must be a whole number of 1 or more; got"):
        check_whole("steps", number)


@pytest.mark.parametrize("number", [1, 3.0, np.int32(7), jnp.asarray(2), np.float32(4)])
def test_whole_numbers(number):
    check_whole("steps", number)


@pytest.mark.parametrize(
    "build",
    [
        lambda: LinearSchedule(0.1, 0.1),
        lambda: LinearSchedule(0.1, np.inf),
        lambda: LinearSchedule(np.nan, 1.0),
        lambda: CosineSchedule(-0.1),
        lambda: CosineSchedule(np.nan),
        lambda: SigmoidSchedule(1.0, 1.0),
        lambda: SigmoidSchedule(3.0, -3.0),
        lambda: SigmoidSchedule(-3.0, np.nan),
    ],
)
def test_schedules_of_the_signal_that_make_no_sense(build):
    with pytest.raises(ValueError, match="Schedule must have"):
        build()
