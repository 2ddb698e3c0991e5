"""What training, sampling and measurements have no answer for is refused in a sentence."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.data.built_in import triple
from sims.measurements.agreement import agreement
from sims.measurements.densities import gap_shares, joint_histogram
from sims.measurements.distances import cumulative, squared_distance
from sims.measurements.gaussianity import gaussianity_p_values, mardia_statistics
from sims.measurements.memorisation import memorised
from sims.measurements.modes import first_crossing
from sims.networks.nonlinear import wide_network
from sims.sampling.feature_models import sample_ensemble
from sims.sampling.linear_flow import FlowCoefficients, sample_linear_flow, sample_linear_networks
from sims.sampling.naive import naive_sampler
from sims.sampling.networks import sample_networks
from sims.sampling.solvers import euler, heun
from sims.training.descent import common_clock
from sims.training.feature_ensembles import FeatureModel, fit_ridge
from sims.training.one_layer_descent import clock_of_every_level
from sims.training.score_targets import TargetNoiseDose
from sims.training.training_triples import draw_triples
from theory.definitions.features import GaussianFeatures
from theory.definitions.processes import VariancePreserving

KEY, POINTS, VP = jax.random.key(0), jnp.asarray(triple()), VariancePreserving(end_time=0.01)
FEATURES = GaussianFeatures(1, 3, 3, positions=(-1.5, 1.5), times=(0.01, 1.0))
MODELS = FeatureModel(FEATURES, jnp.zeros((2, 1, 9)))
NETWORK = wide_network(VP, 1, width=3, key=KEY)
X, TIMES, BEYOND = jnp.linspace(-1.0, 1.0, 5)[:, None], jnp.linspace(1.0, 0.01, 5), jnp.array([3.0, 2.0, 1.0])
ONE_NAN = np.random.default_rng(0).normal(size=(8, 3, 1))
ONE_NAN[2, 1] = np.nan
FLOW = FlowCoefficients(jnp.array([3.0, 2.0, 1.0]), jnp.ones(3), jnp.ones(3), jnp.asarray(1.0))


def clock(make, times=(1.0, 2.0), curvature=(1.0, 3.0), **options):
    return make(np.array(times), np.array(curvature), smallest_steps=3, **options)


@pytest.mark.parametrize("make", [common_clock, clock_of_every_level])
@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"times": (1.0, 0.5)}, "times must be a sequence that increases from zero or more"),  # steps uphill
        ({"times": (-1.0, 0.5)}, "times must be a sequence that increases"),
        ({"times": (1.0, np.nan)}, "times must be a sequence that increases"),
        ({"times": ((1.0, 2.0),)}, "times must be a sequence"),
        ({"curvature": (1.0, 0.0)}, "curvatures must be positive and finite"),
        ({"curvature": (-1.0, 1.0)}, "curvatures must be positive and finite"),
        ({"curvature": (np.nan, 1.0)}, "curvatures must be positive and finite"),
        ({"safety": -0.5}, "safety must lie between zero and one; got -0.5"),
        ({"safety": 2.0}, "safety must lie between zero and one; got 2.0"),
        ({"safety": np.nan}, "safety must lie between zero and one"),
    ],
)
def test_clocks_that_would_climb_or_diverge(make, changed, sentence):
    with pytest.raises(ValueError, match=sentence):
        clock(make, **changed)


REFUSED = {
    "targets without columns": (
        lambda: fit_ridge(FEATURES, draw_triples(POINTS, VP, 6, key=KEY), VP, ridge=0.1, targets=jnp.ones(6)),
        r"targets must have shape \(6, out\), a row per triple; got \(6,\)",
    ),
    "dose without bound": (lambda: TargetNoiseDose(np.inf), "must be finite and not negative"),
    "network after the noise": (lambda: NETWORK(X, jnp.asarray(3.0)), "time must lie between 0 and 1"),
    "network at the data": (lambda: NETWORK(X, jnp.asarray(0.0)), "time must leave noise"),
    "ensemble beyond its times": (
        lambda: sample_ensemble(MODELS, VP, X, BEYOND, method="euler"),
        "times must lie between 0 and 1",
    ),
    "networks beyond their times": (lambda: sample_networks(NETWORK, VP, X, BEYOND), "times must lie between 0 and 1"),
    "naive sampler beyond its times": (
        lambda: naive_sampler(POINTS, VP, 0.1, X, BEYOND, key=KEY),
        "times must lie between 0 and 1",
    ),
    "naive sampler, endless κ": (lambda: naive_sampler(POINTS, VP, np.inf, X, TIMES, key=KEY), "kappa must be finite"),
    "naive sampler, several κ": (
        lambda: naive_sampler(POINTS, VP, jnp.ones(2), X, TIMES, key=KEY),
        "kappa must be one number",
    ),
    "fewer maps than levels": (
        lambda: sample_linear_networks(jnp.zeros((2, 1, 1)), jnp.array([3.0, 2.0, 1.0]), X),
        "maps must be one per noise level; got 2 for 3",
    ),
    "fewer maps than times": (
        lambda: sample_linear_flow(jnp.zeros((2, 1, 1)), None, FLOW, X),
        "maps must be one per noise level; got 2 for 3",
    ),
    "Euler to and fro": (lambda: euler(lambda i, t, x: -x, X, jnp.array([1.0, 0.0, 2.0])), "strictly monotone"),
    "Heun nowhere": (lambda: heun(lambda i, t, x: -x, X, TIMES[:1]), "sequence of two or more"),
    "imaginary samples": (lambda: gap_shares(np.ones((2, 4)) * 1j, 0.0, 2.0), "must be real"),
    "three coordinates in a plane": (
        lambda: joint_histogram(np.ones((4, 3)), np.arange(3.0)),
        r"must have shape \(n, 2\)",
    ),
    "distribution of NaN": (lambda: cumulative(np.array([[1.0, np.nan]]), np.arange(3.0)), "1 of 2 that are NaN"),
    "distance on an uneven grid": (
        lambda: squared_distance(np.ones((3, 3)), np.zeros((3, 3)), np.array([0.0, 1.0, 5.0])),
        "grid must increase in equal steps",
    ),
    "distance on a grid that falls": (
        lambda: squared_distance(np.ones((3, 3)), np.zeros((3, 3)), np.array([2.0, 1.0, 0.0])),
        "grid must increase in equal steps",
    ),
    "Mardia's statistics of NaN": (lambda: mardia_statistics(ONE_NAN), "1 of 24 that are NaN"),
    "p-values of NaN": (
        lambda: gaussianity_p_values(ONE_NAN, null_draws=20, random=np.random.default_rng(0)),
        "1 of 24 that are NaN",
    ),
    "memory of NaN": (lambda: memorised(np.array([[np.nan]]), triple()), "1 of 1 that are NaN"),
    "memory of another dimension": (lambda: memorised(np.ones((4, 1)), np.ones((2, 2))), "the points' dimension"),
    "crossing back in time": (
        lambda: first_crossing(np.array([3.0, 2.0, 1.0]), np.arange(1.0, 4.0), np.asarray(1.5)),
        "times must be positive and increase",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    call, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize("solver", [euler, heun])
def test_whole_positions_move(solver):
    """Steps in the precision of an integer would be none."""
    times, whole = jnp.array([1.0, 0.5, 0.25]), jnp.array([[4], [0]])
    moved = solver(lambda index, time, x: x / time, whole, times)
    np.testing.assert_array_equal(moved, solver(lambda index, time, x: x / time, whole.astype(float), times))
    assert moved[0, 0] < 3


def test_networks_of_whole_positions():
    whole = jnp.array([[1], [0]])
    np.testing.assert_array_equal(NETWORK(whole, jnp.asarray(0.5)), NETWORK(whole.astype(float), jnp.asarray(0.5)))


def test_an_agreement_with_nan_is_no_deviation_that_is_certain():
    deviations = np.random.default_rng(0).normal(size=(8, 5))
    deviations[3, 2] = np.nan
    assert agreement(deviations).p_value == 1.0
