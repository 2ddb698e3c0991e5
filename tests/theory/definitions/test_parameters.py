"""What a parameter must be: one finite real number. Every class that has one says so when it is made."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory import (
    EDM,
    CosineSchedule,
    FourierFeatures,
    GaussianFeatures,
    LinearSchedule,
    OneLayer,
    SigmoidSchedule,
    Spectrum,
    VariancePreserving,
    effective_ridge,
    fit_power_law,
    weight_emergence_time,
    weight_variance_over_draws,
)
from theory.definitions.preconditionings import ConstantSkip, EDMPreconditioning
from theory.definitions.weights import EDMWeight, LogNormalDensity, MinSNRWeight, PowerWeight
from theory.numerics import special

MADE = {
    "skip": ConstantSkip,
    "data scale": EDMPreconditioning,
    "weight's data scale": EDMWeight,
    "exponent": PowerWeight,
    "ceiling": MinSNRWeight,
    "mean of a density": LogNormalDensity,
    "deviation of a density": lambda number: LogNormalDensity(log_std=number),
    "sigma_min": EDM,
    "sigma_max": lambda number: EDM(sigma_max=number),
    "end time": lambda number: VariancePreserving(end_time=number),
    "linear schedule": LinearSchedule,
    "cosine schedule": CosineSchedule,
    "sigmoid schedule": lambda number: SigmoidSchedule(start=number),
    "position of features": lambda number: GaussianFeatures(1, 2, 2, positions=(number, 3.0), times=(0.0, 1.0)),
    "time of features": lambda number: FourierFeatures(1, 2, 2, positions=(-1.0, 1.0), times=(0.0, number)),
}
NUMBERS = {
    "NaN": np.nan,
    "infinite": np.inf,
    "complex": 0.5 + 1j,
    "complex array": jnp.asarray(0.5 + 1j),
    "text": "0.5",
    "nothing": None,
    "several": np.array([0.1, 0.2]),
}


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_a_parameter_is_one_finite_real_number(make, number):
    with pytest.raises(ValueError, match=r"\A.*(must|needs).*; got .*\Z"):  # one line: . matches no line break
        make(number)


@pytest.mark.parametrize("make", [ConstantSkip, PowerWeight, LogNormalDensity])
def test_a_traced_parameter_that_is_not_finite_is_nan(make):
    def only_number(x):
        return jnp.asarray(jax.tree.leaves(make(x))[0])

    assert np.isnan(jax.jit(lambda x: only_number(x / 0.0))(1.0))
    assert jax.jit(only_number)(0.5) == 0.5


DENOISER = OneLayer(Spectrum.from_variances([2.0, 1.0, 0.3]), EDM(), 0.1, 1.0)
LAW = [3.0, 2.0, 1.0], [1.0, 2.0, 3.0]
REFUSED = {
    "infinite noise": (lambda: DENOISER.gain(1.0, np.inf), "finite square"),
    "infinite noise of an emergence": (lambda: weight_emergence_time(DENOISER, np.inf), "finite square"),
    "infinite noise of a variance": (lambda: weight_variance_over_draws(DENOISER, 1.0, np.inf, 10), "finite square"),
    "complex emergence": (lambda: fit_power_law(LAW[0], np.array([1 + 5j, 2, 3])), "emergence times must be real"),
    "complex variances": (lambda: fit_power_law([1j, 2.0, 3.0], LAW[1]), "variances must be real numbers"),
    "complex errors": (lambda: fit_power_law(*LAW, stderr=jnp.full(3, 1j)), "standard errors must be real numbers"),
    "words": (lambda: fit_power_law(["1", "2", "3"], LAW[1]), "variances must be real numbers"),
    "endless samples": (lambda: effective_ridge([1.0, 2.0], np.inf, 1.0), "samples must be positive and finite"),
    "endless ridge": (lambda: effective_ridge([1.0, 2.0], 3, np.inf), "ridge must be finite; got inf"),
    "one coordinate": (lambda: DENOISER.spectrum.from_modes(2.0), r"3 coordinates; got shape \(\)"),
    "no interval": (lambda: FourierFeatures(1, 2, 2, positions=2, times=(0.0, 1.0)), "must be an interval"),
    "an empty interval": (lambda: GaussianFeatures(1, 2, 2, positions=[], times=(0.0, 1.0)), "must be an interval"),
    "a matrix for a count": (
        lambda: Spectrum.power_law(dimension=np.ones((2, 2)), exponent=1.0),
        r"must be a whole number of 1 or more; got shape \(2, 2\)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize("function", [special.exp1, special.ein, special.erf_average])
def test_special_functions_of_nothing_and_of_complex_numbers(function):
    assert function([]).shape == (0,)
    with pytest.raises(ValueError, match="must be real numbers"):
        function(1j)


def test_noise_whose_square_overflows_single_precision_is_refused():
    with jax.enable_x64(False), pytest.raises(ValueError, match="finite square"):
        OneLayer(Spectrum.from_variances([1.0]), EDM(), 0.1, 1.0).gain(1.0, 1e25)
    assert np.isfinite(DENOISER.gain(1.0, 1e25)).all()
