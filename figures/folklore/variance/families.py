"""The model families that are held side by side: networks of one size, their gradients, and their samples."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from scipy.stats import norm

from sims.networks.adversaries import Adversaries, adversaries
from sims.networks.autoencoder import Autoencoder, autoencoder
from sims.networks.nonlinear import MLPDenoiser, mlp_denoiser
from sims.networks.perceptron import parameter_count, width_of_count
from sims.sampling.networks import heun_sample
from sims.sampling.schedules import edm_schedule_to_zero
from sims.training.adversarial import AdversarialTraining, minimax, non_saturating
from sims.training.edm import EDMTraining
from sims.training.elbo import ELBOTraining, reparametrised, score_function, score_function_with_baseline
from sims.training.gradient_sums import GradientSums, adam_with_sums
from sims.training.noise_densities import TabulatedNoise
from sims.training.state import AbstractTraining
from theory.definitions.preconditionings import EDMPreconditioning
from theory.definitions.processes import EDM
from theory.definitions.weights import EDMWeight

TABLE = 1024  # quantiles of every density of noise levels
LOG_MEAN, LOG_DEVIATION = -1.2 + float(np.log(2)), 1.2  # of σ: Karras et al. 2022's for σ_d = ½, moved to σ_d = 1
_SPREAD = 0.25  # of decoders at the start: from one, latents of the ring stay unused
_ESTIMATORS = {
    "VAE": reparametrised,
    "VAE, score function": score_function,
    "VAE, score function, baseline": score_function_with_baseline,
}
_GENERATOR_LOSSES = {"GAN": non_saturating, "GAN, minimax": minimax}
FAMILIES = ("diffusion", *_ESTIMATORS, *_GENERATOR_LOSSES)


@dataclass(frozen=True)
class Sizes:
    """Of networks and batches. `width` is the denoiser's; the others' widths follow from its number of parameters."""

    width: int
    hidden_layers: int
    latent: int
    batch_size: int
    sampling_steps: int
    learning_rate: float


class Family(NamedTuple):
    """One family: how a network is made and trained, the players in it, and samples."""

    training: AbstractTraining
    make: Callable[[PRNGKeyArray], Any]
    players: Callable[[GradientSums], tuple[GradientSums, ...]]  # the sums of networks with a loss of their own
    sample: Callable[[Any, PRNGKeyArray, int], Float[Array, "n dim"]]
    parameters: int


def family(name: str, sizes: Sizes, data: Float[Array, "m dim"], key: PRNGKeyArray) -> Family:
    """The family of that name on these data; nothing random depends on the key."""
    rate = sizes.learning_rate
    dimension = data.shape[1]
    count = _count(partial(_denoiser, sizes, dimension), key)
    if name == "diffusion":
        table = jnp.asarray(training_log_levels(TABLE), jnp.float32)
        training = EDMTraining(data, adam_with_sums(rate), sizes.batch_size, TabulatedNoise(table), EDMWeight(1.0))
        return Family(training, partial(_denoiser, sizes, dimension), _whole, partial(_denoised, sizes), count)
    shape = {"latent": sizes.latent, "hidden_layers": sizes.hidden_layers}
    if name in _ESTIMATORS:
        make = _of_width(partial(autoencoder, dimension, spread=_SPREAD, **shape), count, key)
        training = ELBOTraining(data, adam_with_sums(rate), sizes.batch_size, _ESTIMATORS[name])
        return Family(training, make, _whole, _decoded, _count(make, key))
    make = _of_width(partial(adversaries, dimension, **shape), count, key)
    # β_1 = ½ is customary here (Radford et al. 2016): momentum of .9 makes two players circle.
    optimiser = adam_with_sums(rate, momentum=0.5)
    training = AdversarialTraining(data, optimiser, sizes.batch_size, _GENERATOR_LOSSES[name])
    return Family(training, make, _both, _generated, _count(make, key))


def training_log_levels(parts: int) -> Float[np.ndarray, " parts"]:
    """ln σ at the middles of parts of equal probability, of the density that the denoiser is trained on."""
    return LOG_MEAN + LOG_DEVIATION * norm.ppf((np.arange(parts) + 0.5) / parts)


def _denoiser(sizes: Sizes, dimension: int, key: PRNGKeyArray) -> MLPDenoiser:
    return mlp_denoiser(
        EDM(),
        dimension,
        width=sizes.width,
        hidden_layers=sizes.hidden_layers,
        key=key,
        preconditioning=EDMPreconditioning(1.0),
    )


def _count(make: Callable[[PRNGKeyArray], Any], key: PRNGKeyArray) -> int:
    return parameter_count(eqx.filter_eval_shape(make, key))


def _of_width(make: Callable[..., Any], count: int, key: PRNGKeyArray) -> Callable[[PRNGKeyArray], Any]:
    width = width_of_count(lambda width, key: make(width=width, key=key), count, key=key)
    return lambda key: make(width=width, key=key)


def _whole(sums: GradientSums) -> tuple[GradientSums, ...]:
    return (sums,)


def _both(sums: GradientSums) -> tuple[GradientSums, ...]:
    generator = GradientSums(*(part.generator for part in sums))
    return generator, GradientSums(*(part.discriminator for part in sums))


def _denoised(sizes: Sizes, network: MLPDenoiser, key: PRNGKeyArray, count: int) -> Float[Array, "n dim"]:
    levels = edm_schedule_to_zero(0.02, 20.0, sizes.sampling_steps)
    noise = jax.random.normal(key, (count, network.weights[-1].shape[-1]), jnp.float32)
    return heun_sample(network, noise, levels)


def _decoded(network: Autoencoder, key: PRNGKeyArray, count: int) -> Float[Array, "n dim"]:
    latent_key, noise_key = jax.random.split(key)
    latent = jax.random.normal(latent_key, (count, network.decoder.inputs), jnp.float32)
    noise = jax.random.normal(noise_key, (count, network.encoder.inputs), jnp.float32)
    return network.sample(latent, noise)


def _generated(network: Adversaries, key: PRNGKeyArray, count: int) -> Float[Array, "n dim"]:
    return network.generator(jax.random.normal(key, (count, network.generator.inputs), jnp.float32))
