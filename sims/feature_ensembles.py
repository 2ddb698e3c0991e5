"""Ensembles of linear feature models, each fitted to its own draw of noisy training triples (x_0, x, t)."""

from typing import NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from sims.networks import FeatureModel
from sims.sampling import Drift, euler, heun
from theory.checks import check_count, check_not_negative, check_times
from theory.features import AbstractFeatures
from theory.processes import AbstractProcess

Parameters = TypeVar("Parameters", bound=eqx.Module)


class TrainingTriples(NamedTuple):
    """P training examples: clean data, noisy data and the process time of each."""

    clean: Float[Array, "P dim"]
    noisy: Float[Array, "P dim"]
    time: Float[Array, " P"]


def with_array_parameters(module: Parameters) -> Parameters:
    """The same process or features with every float an array, so that new values do not recompile what they enter."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf) if isinstance(leaf, float) else leaf, module)


def draw_triples(
    points: Float[Array, "m dim"], process: AbstractProcess, count: int, *, key: PRNGKeyArray
) -> TrainingTriples:
    """P independent triples: a uniformly chosen point, a uniform time in [end, start], and Gaussian noise."""
    # All from one stream, open at -1 so that no noise is infinite: generators of their own for points, times and noise
    # took half of the time in which a fit compiles.
    masses, dimension = points.shape
    lowest = np.nextafter(np.array(-1.0, points.dtype), np.array(0.0, points.dtype))
    symmetric = jax.random.uniform(key, (count, 2 + dimension), points.dtype, minval=lowest, maxval=1.0)
    share = (1 + symmetric) / 2
    clean = points[jnp.floor(masses * share[:, 0]).astype(int)]
    time = process.end_time + (process.start_time - process.end_time) * share[:, 1]
    noise = 2**0.5 * jax.lax.erf_inv(symmetric[:, 2:])
    noisy = process.signal_scale(time)[:, None] * clean + process.noise_scale(time)[:, None] * noise
    return TrainingTriples(clean, noisy, time)


def fit_ridge(
    features: AbstractFeatures,
    triples: TrainingTriples,
    process: AbstractProcess,
    *,
    ridge: ArrayLike,
    targets: Float[Array, "P out"] | None = None,
) -> FeatureModel:
    """The denoiser that minimises (1/P) Σ w(t)|y - Wφ(x, t)|² + ridge·|W|², with w = α²/σ².

    The targets y are the clean data x_0 when none are given; with more columns than dimensions, one factorisation
    serves several sets of targets. The weight α²/σ² on the denoised data is the weight λ = σ² on the score (Vastola
    2025, App. H). Solved in whichever of the two spaces, features or samples, is smaller. Raises ValueError for a
    negative ridge and features of another number of coordinates.
    """
    check_not_negative("ridge", ridge)
    count = triples.time.shape[0]
    alpha, sigma = process.signal_scale(triples.time), process.noise_scale(triples.time)
    root_weight = (alpha / sigma / jnp.sqrt(count))[:, None]
    design = features(triples.noisy, triples.time) * root_weight
    target = (triples.clean if targets is None else targets) * root_weight
    if count < features.number:
        gram = root_weight * features.gram(triples.noisy, triples.time) * root_weight.T
        gram = gram + ridge * jnp.eye(count, dtype=design.dtype)
        weight = design.T @ jax.scipy.linalg.solve(gram, target, assume_a="pos")
    else:
        gram = design.T @ design + ridge * jnp.eye(features.number, dtype=design.dtype)
        weight = jax.scipy.linalg.solve(gram, design.T @ target, assume_a="pos")
    return FeatureModel(features, weight.T)


def train_ensemble(
    features: AbstractFeatures,
    points: Float[Array, "m dim"],
    process: AbstractProcess,
    *,
    models: int,
    samples: int,
    ridge: float,
    key: PRNGKeyArray,
) -> FeatureModel:
    """`models` independent ridge fits to `samples` triples each; the result has a leading axis of models.

    Fitted one after the other inside one compiled loop: memory is that of a single fit. Raises ValueError for fewer
    than one model or sample, and as `fit_ridge`.
    """
    check_count("models", models)
    check_count("samples", samples)
    check_not_negative("ridge", ridge)
    keys = jax.random.split(key, models)
    weight = _fit_all(
        with_array_parameters(features), points, with_array_parameters(process), samples, jnp.asarray(ridge), keys
    )
    return FeatureModel(features, weight)


@eqx.filter_jit
def _fit_all(features, points, process, samples: int, ridge: Array, keys) -> Float[Array, "models dim features"]:
    def fit(key: PRNGKeyArray) -> Float[Array, "dim features"]:
        return fit_ridge(features, draw_triples(points, process, samples, key=key), process, ridge=ridge).weight

    return jax.lax.map(fit, keys)


def denoiser_drift(model: FeatureModel, process: AbstractProcess) -> Drift:
    """Probability-flow drift with the score (αD(x, t) - x)/σ² of a trained denoiser."""

    def drift(index: Array, time: Array, x: Array) -> Array:
        del index
        alpha, sigma = process.signal_scale(time), process.noise_scale(time)
        return process.probability_flow(x, (alpha * model(x, time) - x) / sigma**2, time)

    return drift


SOLVERS = {"euler": euler, "heun": heun}


def sample_ensemble(
    models: FeatureModel,
    process: AbstractProcess,
    initial: Float[Array, "n dim"],
    times: Float[Array, " times"],
    *,
    method: str,
) -> Float[Array, "models n dim"]:
    """Carry the same initial positions through every model's probability-flow ODE.

    `method` is "euler" or "heun"; the denoiser is evaluated exactly at every position and time. Models run one
    after the other inside one compiled loop, so memory does not grow with their number beyond the samples
    returned. Raises ValueError for another method and times that are not monotone.
    """
    if method not in SOLVERS:
        raise ValueError(f"method must be one of {', '.join(SOLVERS)}; got {method!r}")
    check_times(times)
    features, process = with_array_parameters(models.features), with_array_parameters(process)
    return _sample_all(features, models.weight, process, initial, times, SOLVERS[method])


@eqx.filter_jit
def _sample_all(features, weights, process, initial, times, solver) -> Float[Array, "models n dim"]:
    def of_model(weight: Float[Array, "dim features"]) -> Float[Array, "n dim"]:
        return solver(denoiser_drift(FeatureModel(features, weight), process), initial, times)

    return jax.lax.map(of_model, weights)
