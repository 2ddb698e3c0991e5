"""Training of a variational autoencoder on the evidence lower bound, with three estimators of its gradient."""

from collections.abc import Callable
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from sims.networks.autoencoder import Autoencoder
from sims.training.state import AbstractTraining, TrainingState, descended, initial_state
from theory.definitions.arrays import floating
from theory.definitions.checks import whole

Points = Float[Array, "n dim"]
Latents = Float[Array, "n latent"]
Numbers = Float[Array, " n"]
# Of a network, data and unit normal noise: the mean of -ELBO over the data, with an unbiased gradient.
Estimator = Callable[[Autoencoder, Points, Latents], Float[Array, ""]]


def reparametrised(network: Autoencoder, x: Points, noise: Latents) -> Float[Array, ""]:
    """-ln p(x|z) + KL(q(z|x) | N(0, I)) at z = m + e^ℓ ε, through which the gradient goes (Kingma & Welling 2014)."""
    mean, log_deviation = network.posterior(x)
    latent = mean + jnp.exp(log_deviation) * noise
    return jnp.mean(_distortion(network, x, latent) + _divergence(mean, log_deviation))


def score_function(network: Autoencoder, x: Points, noise: Latents) -> Float[Array, ""]:
    """The same value; the encoder's gradient is f ∇ ln q(z|x) of f = -ln p(x|z), in place of ∇f through z."""
    return _by_score(network, x, noise, jnp.zeros_like)


def score_function_with_baseline(network: Autoencoder, x: Points, noise: Latents) -> Float[Array, ""]:
    """The same with (f - b) ∇ ln q(z|x), b the mean of f over the *other* data of the batch.

    That mean does not depend on this datum's latent, so the gradient has no bias; a batch must have two data or more.
    """

    def of_others(values: Numbers) -> Numbers:
        return (jnp.sum(values) - values) / (values.shape[0] - 1)

    return _by_score(network, x, noise, of_others)


class ELBOTraining(AbstractTraining):
    """Steps of one autoencoder on fresh batches, drawn with replacement.

    Raises ValueError for data that are no rows, and unless the batch size is 2, 3, ….
    """

    data: Float[Array, "m dim"] = eqx.field(converter=floating)
    optimiser: optax.GradientTransformation = eqx.field(static=True)
    batch_size: int = eqx.field(converter=partial(whole, "batch_size", least=2), static=True)
    estimator: Estimator = eqx.field(static=True, default=reparametrised)

    def __check_init__(self) -> None:
        if self.data.ndim != 2:
            raise ValueError(f"training data must be rows of numbers, (m, dim); got shape {self.data.shape}")

    def init(self, network: Autoencoder, key: PRNGKeyArray | None = None) -> TrainingState[Autoencoder]:
        """Raises ValueError without a key."""
        if key is None:
            raise ValueError("the key of random batches must be given; got None")
        return initial_state(network, self.optimiser, key)

    def step(self, state: TrainingState[Autoencoder]) -> TrainingState[Autoencoder]:
        assert state.key is not None
        key, batch_key = jax.random.split(state.key)
        after = descended(state, self.gradient(state.parameters, batch_key), self.optimiser)
        return TrainingState(after.parameters, after.optimiser, key, after.step)

    def gradient(self, network: Autoencoder, key: PRNGKeyArray) -> Autoencoder:
        """That of the mean of -ELBO over one fresh batch."""
        data_key, noise_key = jax.random.split(key)
        index = jax.random.randint(data_key, (self.batch_size,), 0, self.data.shape[0])
        noise = jax.random.normal(noise_key, (self.batch_size, network.decoder.inputs), self.data.dtype)
        return eqx.filter_grad(self.estimator)(network, self.data[index], noise)


def _by_score(network: Autoencoder, x: Points, noise: Latents, baseline: Callable[[Numbers], Numbers]) -> Array:
    mean, log_deviation = network.posterior(x)
    latent = jax.lax.stop_gradient(mean + jnp.exp(log_deviation) * noise)
    distortion = _distortion(network, x, latent)
    log_density = jnp.sum(-(((latent - mean) * jnp.exp(-log_deviation)) ** 2) / 2 - log_deviation, axis=1)
    # The factor is zero in value and ∇ ln q in slope, so that the value stays that of -ELBO.
    factor = log_density - jax.lax.stop_gradient(log_density)
    advantage = jax.lax.stop_gradient(distortion - baseline(distortion))
    return jnp.mean(distortion + advantage * factor + _divergence(mean, log_deviation))


def _distortion(network: Autoencoder, x: Points, latent: Latents) -> Numbers:
    """-ln p(x|z)."""
    squared = jnp.sum((x - network.decoder(latent)) ** 2, axis=1)
    log_volume = network.log_spread + jnp.log(2 * jnp.pi) / 2
    return squared * jnp.exp(-2 * network.log_spread) / 2 + x.shape[1] * log_volume


def _divergence(mean: Latents, log_deviation: Latents) -> Numbers:
    """KL(q(z|x) | N(0, I))."""
    return jnp.sum((mean**2 + jnp.exp(2 * log_deviation) - 1) / 2 - log_deviation, axis=1)
