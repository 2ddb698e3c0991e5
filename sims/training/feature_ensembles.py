"""Ensembles of linear feature models, each fitted to its own draw of noisy training triples (x_0, x, t)."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from sims.networks.feature_model import FeatureModel
from sims.training.training_triples import TrainingTriples, draw_triples, with_array_parameters
from theory.definitions.checks import check_not_negative, whole_arguments
from theory.definitions.features import AbstractFeatures
from theory.definitions.processes import AbstractProcess


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
    negative ridge, features of another number of coordinates, and targets that are not one row per triple.
    """
    check_not_negative("ridge", ridge)
    count = triples.time.shape[0]
    if targets is not None and (np.ndim(targets) != 2 or np.shape(targets)[0] != count):
        raise ValueError(f"targets must have shape ({count}, out), a row per triple; got {np.shape(targets)}")
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


@whole_arguments("models", "samples")
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

    Fitted one after the other inside one compiled loop: memory is that of a single fit. Raises ValueError unless
    `models` and `samples` are 1, 2, …, and as `fit_ridge`.
    """
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
