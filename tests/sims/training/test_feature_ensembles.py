"""Ensembles of feature models: the law of their training sets, their ridge fits and their samples, against NumPy."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from sims.data.built_in import polygon, triple
from sims.networks.feature_model import FeatureModel
from sims.sampling.feature_models import sample_ensemble
from sims.sampling.schedules import log_snr_schedule, uniform_schedule
from sims.sampling.solvers import euler, heun
from sims.training.feature_ensembles import fit_ridge, train_ensemble
from sims.training.training_triples import TrainingTriples, draw_triples
from theory import EDM, FourierFeatures, GaussianFeatures, LinearSchedule, PointMasses, VariancePreserving
from theory.definitions.schedules import AbstractSchedule

KEY = jax.random.key(0)
INTERVALS = {"positions": (-1.5, 1.5), "times": (1e-2, 1.0)}
POINTS = {1: triple(), 2: polygon(5)}
VP = VariancePreserving(end_time=1e-2)


def scales(process, time):
    """α and σ in NumPy's arithmetic, from β = 0.1 + 19.9 t or σ = t."""
    if isinstance(process, EDM):
        return np.ones_like(time), np.asarray(time)
    alpha = np.exp(-0.1 * time - 19.9 * time**2 / 2)
    return alpha, np.sqrt(1 - alpha**2)


def bumps(u, low, high, count):
    centres = np.linspace(low, high, count)
    return scipy.stats.norm.pdf(u[:, None], centres, (centres[1] - centres[0]) / 2)


def waves(u, low, high, count):
    phase = 2 * np.pi * u[:, None] / (high - low)
    orders = np.arange(count)
    return np.hstack([np.cos(phase * orders[: 1 + count // 2]), np.sin(phase * orders[1 : 1 + (count - 1) // 2])])


FAMILIES = {"gaussian": (GaussianFeatures, bumps), "fourier": (FourierFeatures, waves)}


def phi(functions, x, time, shape):
    """Every product of one function per coordinate, time fastest: (n, F)."""
    per_axis, per_time = shape
    product = functions(np.broadcast_to(time, len(x)), *INTERVALS["times"], per_time)
    for axis in reversed(range(x.shape[1])):
        product = functions(x[:, axis], *INTERVALS["positions"], per_axis)[..., None] * product[:, None]
        product = product.reshape(len(x), -1)
    return product


# --- Training sets ---


@pytest.mark.parametrize(("process", "dimension"), [(VP, 1), (EDM(0.1, 3.0), 2)], ids=["vp", "edm"])
def test_law_of_triples(process, dimension):
    """In one dimension all three draws have one shape: from one key they would be one draw."""
    count, points = 20_000, np.array([[-1.0, 0.5], [0.0, 2.0], [1.0, -3.0]])[:, :dimension]
    clean, noisy, time = map(np.asarray, eqx.filter_jit(draw_triples)(jnp.asarray(points), process, count, key=KEY))
    low, high = process.end_time, process.start_time
    assert scipy.stats.kstest(time, scipy.stats.uniform(low, high - low).cdf).pvalue > 1e-3
    chosen = (clean[:, None] == points).all(axis=2)
    assert (chosen.sum(axis=1) == 1).all()
    assert scipy.stats.chisquare(chosen.sum(axis=0)).pvalue > 1e-3
    alpha, sigma = scales(process, time)
    noise = (noisy - alpha[:, None] * clean) / sigma[:, None]
    for component in noise.T:
        assert scipy.stats.kstest(component, "norm").pvalue > 1e-3
    # Point, time, noise and its two components are independent of each other.
    correlation = np.corrcoef([*noise.T, *chosen[:, :2].T, time, np.abs(noise[:, 0])])
    independent = np.triu(np.ones_like(correlation, dtype=bool), 1)
    independent[dimension, dimension + 1] = False  # two indicators of one choice
    assert np.abs(correlation[independent]).max() < 4 / np.sqrt(count)


# --- Fits ---


@pytest.mark.parametrize(
    ("family", "dimension", "process", "ridge"),
    [("gaussian", 1, VP, 0.1), ("gaussian", 2, EDM(0.1, 1.0), 1e-3), ("fourier", 2, VP, 0.1)],
)
def test_fit_is_weighted_least_squares_with_ridge(family, dimension, process, ridge):
    """Augmented least squares in NumPy, for fewer and for more samples than features."""
    (make, functions), shape, rng = FAMILIES[family], (5 - dimension, 4), np.random.default_rng(0)
    features = make(dimension, *shape, **INTERVALS)
    for count in (features.number // 2, 3 * features.number):
        clean = POINTS[dimension][rng.integers(len(POINTS[dimension]), size=count)]
        time = rng.uniform(process.end_time, process.start_time, count)
        alpha, sigma = scales(process, time)
        noisy = alpha[:, None] * clean + sigma[:, None] * rng.normal(size=clean.shape)
        triples = TrainingTriples(*map(jnp.asarray, (clean, noisy, time)))
        root = (alpha / sigma / np.sqrt(count))[:, None]
        design = np.vstack([root * phi(functions, noisy, time, shape), np.sqrt(ridge) * np.eye(features.number)])
        target = np.vstack([root * clean, np.zeros((features.number, dimension))])
        expected = np.linalg.lstsq(design, target, rcond=None)[0].T
        fitted = eqx.filter_jit(fit_ridge)(features, triples, process, ridge=ridge)
        np.testing.assert_allclose(fitted.weight, expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max())


def test_ensemble_members_are_independent_and_repeatable():
    features, options = GaussianFeatures(1, 4, 3, **INTERVALS), {"models": 6, "samples": 20, "ridge": 0.1}
    ensemble = train_ensemble(features, jnp.asarray(triple()), VP, key=KEY, **options)
    again = train_ensemble(features, jnp.asarray(triple()), VP, key=KEY, **options)
    other = train_ensemble(features, jnp.asarray(triple()), VP, key=jax.random.key(1), **options)
    assert ensemble.weight.shape == (6, 1, 12)
    np.testing.assert_array_equal(ensemble.weight, again.weight)
    assert np.abs(ensemble.weight - other.weight).max() > 0.01
    weight = np.asarray(ensemble.weight)
    distances = np.abs(weight[:, None] - weight).max(axis=(2, 3))
    assert distances[np.triu_indices(6, 1)].min() > 1e-3

    @jax.jit
    def alone(key):
        return fit_ridge(features, draw_triples(jnp.asarray(triple()), VP, 20, key=key), VP, ridge=0.1).weight

    np.testing.assert_allclose(weight[3], alone(jax.random.split(KEY, 6)[3]), rtol=1e-8, atol=1e-11)


# --- Samples ---


def ensemble_of(family, dimension, models=4):
    """Weights of the size that fits have."""
    features = family(dimension, 6, 5, **INTERVALS)
    weight = 0.03 * np.random.default_rng(2).normal(size=(models, dimension, features.number))
    return FeatureModel(features, jnp.asarray(weight))


def integrate(weight, functions, x, times, method):
    """Euler and Heun with explicit features."""

    def drift(x, t):
        alpha, sigma = scales(VP, t)
        beta = 0.1 + 19.9 * t
        denoised = phi(functions, x, t, (6, 5)) @ weight.T
        return -beta * x - beta * (alpha * denoised - x) / sigma**2

    for t, following in zip(times[:-1], times[1:], strict=True):
        step, first = following - t, drift(x, t)
        x = x + step * (first if method == "euler" else (first + drift(x + step * first, following)) / 2)
    return x


@pytest.mark.parametrize(
    ("family", "dimension", "method"),
    [("gaussian", 1, "euler"), ("gaussian", 2, "heun"), ("fourier", 1, "heun"), ("fourier", 2, "euler")],
)
def test_samples_equal_numpy_with_explicit_features(family, dimension, method):
    family, functions = FAMILIES[family]
    models, times = ensemble_of(family, dimension), np.linspace(1.0, 1e-2, 31)
    initial = np.random.default_rng(0).normal(size=(50, dimension))
    samples = sample_ensemble(models, VP, jnp.asarray(initial), jnp.asarray(times), method=method)
    expected = [integrate(np.asarray(weight), functions, initial, times, method) for weight in models.weight]
    assert samples.shape == (4, 50, dimension)
    np.testing.assert_allclose(samples, expected, rtol=0, atol=1e-9)
    assert np.abs(np.asarray(samples[0] - samples[1])).max() > 0.01  # each model its own weights


@pytest.mark.parametrize("method", ["rk4", "Euler", ""])
def test_other_methods_are_refused(method):
    models = ensemble_of(GaussianFeatures, 1, models=1)
    with pytest.raises(ValueError, match="euler, heun"):
        sample_ensemble(models, VP, jnp.zeros((2, 1)), jnp.asarray([1.0, 0.5]), method=method)


@pytest.mark.parametrize("times", [[1.0], [1.0, 0.5, 0.7], [1.0, 1.0], [1.0, np.nan], [[1.0, 0.5]]])
def test_times_that_do_not_run_one_way_are_refused(times):
    models = ensemble_of(GaussianFeatures, 1, models=1)
    with pytest.raises(ValueError, match="strictly monotone|two or more|must be finite"):
        sample_ensemble(models, VP, jnp.zeros((2, 1)), jnp.asarray(times), method="heun")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"models": 0}, "models must be a whole number of 1 or more; got 0"),
        ({"samples": 0}, "samples must be a whole number of 1 or more; got 0"),
        ({"samples": np.asarray(-3)}, "samples must be a whole number of 1 or more; got -3"),
        ({"ridge": -0.1}, "ridge must be zero or more; got -0.1"),
        ({"ridge": np.asarray(np.nan)}, "ridge must be zero or more; got nan"),
        ({"ridge": jnp.asarray(-1.0)}, "ridge must be zero or more; got -1.0"),
        ({"features": GaussianFeatures(2, 4, 3, **INTERVALS)}, "must have 2 coordinates"),
        ({"points": jnp.asarray(POINTS[2])}, "must have 1 coordinates"),
    ],
)
def test_bad_fits_are_refused(changed, message):
    features, points = GaussianFeatures(1, 4, 3, **INTERVALS), jnp.asarray(triple())
    options = {"features": features, "points": points, "models": 2, "samples": 5, "ridge": 0.1}
    with pytest.raises(ValueError, match=message):
        train_ensemble(process=VP, key=KEY, **options | changed)


class CountedSchedule(AbstractSchedule):
    """The linear schedule, counting how often Python evaluates it: only while a function is traced."""

    latest_time = 1.0
    calls: list = eqx.field(static=True)

    def log_signal_scale(self, time):
        self.calls.append("α")
        return LinearSchedule().log_signal_scale(time)

    def decay_rate(self, time):
        return LinearSchedule().decay_rate(time)

    def time_from_log_signal_scale(self, log_signal_scale):
        return LinearSchedule().time_from_log_signal_scale(log_signal_scale)


class UnorderedList(list):
    """A list that can be part of a compilation key: every instance is itself alone."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


def test_a_new_cutoff_or_ridge_compiles_nothing():
    calls = UnorderedList()
    traced = []
    for cutoff, ridge in ((1e-2, 0.1), (1e-3, 0.1), (1e-4, 0.2)):
        process = VariancePreserving(CountedSchedule(calls), end_time=cutoff)
        features = GaussianFeatures(1, 4, 3, positions=(-1.5, 1.5), times=(cutoff, 1.0))
        models = train_ensemble(features, jnp.asarray(triple()), process, models=2, samples=10, ridge=ridge, key=KEY)
        times = jnp.linspace(1.0, cutoff, 6)
        samples = sample_ensemble(models, process, jnp.ones((3, 1)), times, method="euler")
        assert np.isfinite(samples).all()
        traced.append(len(calls))
    assert traced[0] > 0
    assert traced[1:] == traced[:1] * 2


# --- The exact score ---


def test_thirty_euler_steps_alone_fill_the_gaps():
    """The exact score of {-1, 0, 1} at ε = 0.01 leaves them empty when the flow is solved; 30 Euler steps do not."""
    data = PointMasses(triple())

    def drift(index, time, x):
        del index
        return VP.probability_flow(x, data.score(x, time, VP), time)

    quantiles = (np.arange(4000) + 0.5) / 4000
    initial = jnp.asarray(scales(VP, np.array(1.0))[1] * scipy.stats.norm.ppf(quantiles))[:, None]
    runs = ((euler, uniform_schedule(VP, 30)), (heun, log_snr_schedule(VP, 200)))
    ends = [jax.jit(solver, static_argnums=0)(drift, initial, times) for solver, times in runs]
    coarse, converged = (np.mean((np.abs(x) > 0.25) & (np.abs(x) < 0.75)) for x in map(np.asarray, ends))
    assert 0.065 < coarse < 0.08
    assert converged == 0
