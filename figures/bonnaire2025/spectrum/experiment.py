"""The eigenvalues of U = (1/n) Σ_ν E_ξ[f fᵀ], f = tanh(W(αx_ν + σξ)/√d), for white data, and their density in theory.

U is computed from weights and points that are drawn, with the average over the noise exact; theory knows of the
activation four numbers and of the draw nothing. Between the two stand Gaussian equivalents of the same draw.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from figures.common.parts import all_grouped, stages_of_parts
from figures.common.stages import Arrays, RunStage
from sims.networks.random_features import feature_averages
from theory.definitions.spectra import Spectrum
from theory.finite_data.random_feature_scores import (
    FeatureCoefficients,
    equivalent_feature_moments,
    feature_coefficients,
)
from theory.finite_data.random_feature_spectrum import (
    feature_edges,
    feature_eigenvalue_density,
    feature_eigenvalue_distribution,
)

_ORDERS = 6  # of the noise, which is small at the paper's t; what is left out is stored


@dataclass(frozen=True)
class Config:
    """Sizes of the run: ψ_p features and ψ_n points per dimension, the process time t, draws of weights and points."""

    dimensions: tuple[int, ...] = (6, 12, 24)
    features: int = 64
    samples: tuple[int, ...] = (8, 32)
    time: float = 0.01
    replicates: int = 6
    shown: int = 400  # eigenvalues at which theory is drawn


PRESETS = {
    "quick": Config(),
    "paper": Config(dimensions=(25, 50, 100)),
    "tiny": Config(dimensions=(4, 6), features=12, samples=(3, 4), replicates=3, shown=20),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """`dimension`, every d, `features` ψ_p, `samples` ψ_n, `atom` s_t².

    For each ψ_n and d, by their places i and j: `eigenvalues_i_j` (replicates, n + d), the largest of U in increasing
    order, their share in theory `share_i_j` of the same shape, conditional on being above the atom, `equivalent_i_j`
    the same of Gaussian equivalents with these weights and points, and `left_out_i_j` (replicates,) of the average over
    the noise. `shown`, eigenvalues, with `density` and `distribution` (ψ_n, shown)
    conditional in the same way, the density per unit of ln λ. `edge` (ψ_n, 2), left edges of ρ_1 and of ρ_2, and
    `printed` (ψ_n,), that of ρ_1 for ψ_p ≫ ψ_n ≫ 1.
    """
    places = [(i, j) for i in range(len(config.samples)) for j in range(len(config.dimensions))]
    costs = np.array([config.dimensions[j] ** 3 * (8.0 + config.samples[i]) for i, j in places])
    stages = [
        stages_of_parts(
            f"{config.samples[i]} points per dimension, d = {config.dimensions[j]}",
            partial(_drawn, config, config.samples[i], config.dimensions[j]),
            own,
            parts=config.replicates,
            share=share,
        )
        for (i, j), own, share in zip(
            places, jax.random.split(key, len(places)), (costs / costs.sum()).tolist(), strict=True
        )
    ]
    arrays: Arrays = {}
    for (i, j), draws in zip(places, all_grouped(stage, stages), strict=True):
        arrays |= {f"{name}_{i}_{j}": np.stack([draw[name] for draw in draws]) for name in draws[0]}
    return arrays | _theory(config)


def scales(time: float) -> tuple[float, float]:
    """e^-t and √Δ_t = √(1 - e^-2t)."""
    return float(np.exp(-time)), float(np.sqrt(-np.expm1(-2 * time)))


def _coefficients(config: Config) -> tuple[FeatureCoefficients, Spectrum]:
    # White data of any dimension have one variance.
    white = Spectrum.from_variances(np.ones(1))
    return feature_coefficients(white, *scales(config.time)), white


def _drawn(config: Config, samples: int, dimension: int, key: PRNGKeyArray) -> Arrays:
    """Of one draw of weights and points."""
    coefficients, white = _coefficients(config)
    above = (samples + 1) * dimension
    weight_key, point_key, scatter_key = jax.random.split(key, 3)
    weights = jax.random.normal(weight_key, (config.features * dimension, dimension), float)
    points = jax.random.normal(point_key, (samples * dimension, dimension), float)
    averages = feature_averages(weights, points, *scales(config.time), orders=_ORDERS)
    scatter = jax.random.normal(scatter_key, (len(weights), len(points)), float)
    equivalent = equivalent_feature_moments(coefficients, weights, points, scatter)
    both = np.stack(
        [np.linalg.eigvalsh(np.asarray(moments))[-above:] for moments in (averages.second, equivalent.second)]
    )
    theory = np.asarray(feature_eigenvalue_distribution(coefficients, white, both, config.features, samples))
    share, of_equivalents = _conditional(theory, config.features, samples)
    return {
        "eigenvalues": both[0],
        "share": share,
        "equivalent": of_equivalents,
        "left_out": np.asarray(averages.left_out),
    }


def _theory(config: Config) -> Arrays:
    coefficients, white = _coefficients(config)
    atom, nonlinear = float(coefficients.remainder), float(coefficients.nonlinear)
    top = 2 * config.features * float((coefficients.alpha * coefficients.linear) ** 2)
    shown = atom + np.geomspace(1e-4, top, config.shown)
    sizes = [(coefficients, white, jnp.asarray(shown), config.features, samples) for samples in config.samples]
    densities = [np.asarray(feature_eigenvalue_density(*each)) for each in sizes]
    shares = [np.asarray(feature_eigenvalue_distribution(*each)) for each in sizes]
    above = [(1 + samples) / config.features for samples in config.samples]
    edges = [feature_edges(coefficients, white, config.features, samples) for samples in config.samples]
    roots = np.sqrt(config.features / np.array(config.samples))
    return {
        "dimension": np.array(config.dimensions),
        "features": np.asarray(config.features),
        "samples": np.array(config.samples),
        "atom": np.asarray(atom),
        "shown": shown,
        "density": np.stack([shown * each / mass for each, mass in zip(densities, above, strict=True)]),
        "distribution": np.stack(
            [_conditional(each, config.features, samples) for each, samples in zip(shares, config.samples, strict=True)]
        ),
        "edge": np.array([[float(each.memorised), float(each.generalised)] for each in edges]),
        "printed": atom + nonlinear * (roots - 1) ** 2,
    }


def _conditional(share: Float[np.ndarray, "*grid"], features: int, samples: int) -> Float[np.ndarray, "*grid"]:
    """Of the eigenvalues above the atom; zero up to it."""
    return np.maximum(1 - (1 - share) * features / (1 + samples), 0.0)
