"""V-kernels of models that are linear in features, by the law of their weights.

A network output(z) = W φ(z) has a covariance of its weights; the score is b x + a W φ for the target it is trained on
(`theory.v_kernel.learned_scores`), and

    Cov[ŝ(z), ŝ(z')] = a a' (I ⊗ φ)ᵀ Cov[vec W] (I ⊗ φ').

Every kernel keeps a factor L of Cov[vec W] = L Lᵀ, so V is positive semi-definite whatever the points.
"""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from theory.definitions.arrays import jit
from theory.definitions.checks import checked_jit, whole
from theory.definitions.features import FeatureMap, Z
from theory.definitions.processes import AbstractProcess, check_noisy_time
from theory.definitions.targets import AbstractTarget
from theory.exact_scores.point_masses import PointMasses
from theory.v_kernel.kernels import AbstractVKernel, kernel_matrix
from theory.v_kernel.learned_scores import score_coefficients
from theory.v_kernel.weight_law import Weights


def _check_places(arguments: Mapping[str, Any]) -> None:
    kernel = arguments["self"] if "self" in arguments else arguments["kernel"]
    for name in {"z", "z_prime"} & arguments.keys():
        check_noisy_time("time", arguments[name][1], kernel.process)


class AbstractFeatureVKernel(AbstractVKernel):
    """V of estimators linear in features: ŝ(z) = b(t) x + a(t) W φ(z), W normal over training draws.

    `mean_weights` is the average of W and `weight_factor` L with Cov[W_if, W_jg] = Σ_r L_ifr L_jgr. Both are in the
    units of the network's output, that of its `target`.

    Methods raise ValueError for times that the process does not have or that leave no noise in x, for positions of
    another number of coordinates, and weights that are not those of one network.
    """

    data: eqx.AbstractVar[PointMasses]
    process: eqx.AbstractVar[AbstractProcess]
    features: eqx.AbstractVar[FeatureMap]
    target: eqx.AbstractVar[AbstractTarget]
    mean_weights: eqx.AbstractVar[Weights]
    weight_factor: eqx.AbstractVar[Float[Array, "dim F rank"]]

    @checked_jit(_check_places)
    def __call__(self, z: Z, z_prime: Z) -> Float[Array, "*batch dim dim"]:
        return _product(self, z, z_prime, diffused=True)

    @checked_jit(_check_places)
    def score_covariance(self, z: Z, z_prime: Z) -> Float[Array, "*batch dim dim"]:
        """Cov[ŝ(z), ŝ(z')] over training draws."""
        return _product(self, z, z_prime, diffused=False)

    @checked_jit(_check_places)
    def mean_score(self, z: Z) -> Float[Array, "*batch dim"]:
        """The learned score averaged over training draws, b x + a ⟨W⟩ φ; the exact score where φ can express it."""
        return self.score(self.mean_weights, z)

    @checked_jit(_check_places)
    def score(self, weights: Weights, z: Z) -> Float[Array, "*batch dim"]:
        """ŝ(z) = b x + a W φ of one network with the given weights, drawn by `draw_weights` or trained."""
        if jnp.shape(weights) != self.mean_weights.shape:
            raise ValueError(
                f"the weights of one network must have shape {self.mean_weights.shape}; got {jnp.shape(weights)}"
            )
        x, time = z
        time = jnp.broadcast_to(time, x.shape[:-1])
        known, scale = score_coefficients(self.target, self.process, time)
        return known[..., None] * x + scale[..., None] * (self.features(x, time) @ weights.T)

    def draw_weights(self, key: PRNGKeyArray, models: int) -> Float[Array, "models dim F"]:
        """Weights of `models` independent networks under the Gaussian closure: one score field per draw.

        Raises ValueError unless `models` is 1, 2, ….
        """
        models = whole("models", models)
        return _drawn_weights(self.mean_weights, self.weight_factor, key, models)


@jit
def _drawn_weights(mean: Weights, factor: Array, key: PRNGKeyArray, models: int) -> Float[Array, "models dim F"]:
    noise = jax.random.normal(key, (models, factor.shape[-1]), factor.dtype)
    return mean[None] + jnp.einsum("mr,ifr->mif", noise, factor)


@checked_jit(_check_places)
def score_factor(kernel: AbstractFeatureVKernel, z: Z, *, diffused: bool) -> Float[Array, "*batch dim rank"]:
    """a(t) L φ(z), times D_t if `diffused`: its products are the covariance of the score, or V."""
    x, time = z
    time = jnp.broadcast_to(time, x.shape[:-1])
    _, scale = score_coefficients(kernel.target, kernel.process, time)
    if diffused:
        scale = scale * kernel.process.diffusion_coefficient(time)
    return jnp.einsum("...f,ifr->...ir", scale[..., None] * kernel.features(x, time), kernel.weight_factor)


def _product(kernel: AbstractFeatureVKernel, z: Z, z_prime: Z, *, diffused: bool) -> Float[Array, "*batch dim dim"]:
    left, right = (score_factor(kernel, point, diffused=diffused) for point in (z, z_prime))
    return jnp.einsum("...ir,...jr->...ij", left, right)


@kernel_matrix.register
def _(kernel: AbstractFeatureVKernel, z: Z) -> Float[Array, "n dim n dim"]:
    factor = score_factor(kernel, z, diffused=True)
    return jnp.tensordot(factor, factor, axes=(2, 2))
