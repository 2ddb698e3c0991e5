"""Averages over the population that a regression and its fluctuations need: normal equations, covariances of gradients.

One training triple adds G = w (y - Wφ)φ to the gradient; the covariance of trained weights is that of G, filtered.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.v_kernel.feature_regression import PopulationBlock, Regression, accumulate, each_point


@eqx.filter_jit
def normal_equations(regression: Regression) -> tuple[Float[Array, "F F"], Float[Array, "dim F"]]:
    """E[w φφᵀ] and E[w yφᵀ]."""

    def of_block(block: PopulationBlock, features: Array) -> tuple[Array, Array]:
        weighted = (block.mass * block.weight)[:, None] * features
        return weighted.T @ features, block.mean.T @ weighted

    return accumulate(regression, of_block)


def spread_moment(regression: Regression, spread: Float[Array, "blocks n dim dim"]) -> Float[Array, "dim F dim F"]:
    """E[w² S ⊗ φφᵀ] for a symmetric matrix S given at every point."""
    dimension, number = spread.shape[-1], regression.features.number
    rows, columns = np.triu_indices(dimension)

    def of_block(block: PopulationBlock, features: Array) -> Array:
        pairs = block.covariance[:, rows, columns] * (block.mass * block.weight**2)[:, None]
        # One matrix product for all pairs of coordinates.
        return features.T @ (pairs[:, :, None] * features[:, None, :]).reshape(-1, rows.size * number)

    total = accumulate(eqx.tree_at(lambda r: r.blocks.covariance, regression, spread), of_block)
    upper = jnp.moveaxis(total.reshape(number, rows.size, number), 1, 0)
    full = jnp.zeros((dimension, dimension, number, number), upper.dtype)
    return jnp.swapaxes(full.at[rows, columns].set(upper).at[columns, rows].set(upper), 1, 2)


@eqx.filter_jit
def gradient_covariance(regression: Regression, weights: Float[Array, "dim F"] | None) -> Float[Array, "dim F dim F"]:
    """E[w² C_y ⊗ φφᵀ]; with weights W all of Cov[w (y - Wφ)φ], which adds the misfit r = E[y|z] - Wφ.

    That is E[w² (C_y + r rᵀ) ⊗ φφᵀ] - E[w rφ]E[w rφ]ᵀ.
    """
    if weights is None:
        return spread_moment(regression, regression.blocks.covariance)
    misfit = each_point(regression, lambda block, features: block.mean - features @ weights.T)
    second_moment = spread_moment(
        regression, regression.blocks.covariance + misfit[..., :, None] * misfit[..., None, :]
    )
    _, pull = normal_equations(eqx.tree_at(lambda r: r.blocks.mean, regression, misfit))
    return second_moment - jnp.tensordot(pull, pull, axes=0)


@eqx.filter_jit
def design_covariance(
    regression: Regression,
    basis: Array,
    optimum: Float[Array, "dim F"],
    learned: Array,
    rates: Array,
    lag: Float[Array, "F F"],
) -> Float[Array, "dim F dim F"]:
    """E[(G - E G)(G - E G)ᵀ] of the mean G given (x, t), in the eigenbasis; E G_k = l_k ω*_k τ e^{-l_kτ}."""
    shape = optimum.shape
    centre = rates[None] * optimum * jnp.diagonal(lag)[None]

    def of_block(block: PopulationBlock, features: Array) -> Array:
        features = features @ basis
        misfit = block.mean - features @ optimum.T
        unlearned = (features[:, None, :] * optimum[None]) @ lag
        drive = misfit[:, :, None] * learned[None, None] + unlearned
        fluctuation = (block.weight[:, None] * features)[:, None, :] * drive - centre[None]
        scaled = (jnp.sqrt(block.mass)[:, None, None] * fluctuation).reshape(-1, shape[0] * shape[1])
        return scaled.T @ scaled

    return accumulate(regression, of_block).reshape(*shape, *shape)
