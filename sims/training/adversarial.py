"""Training of a generator against its discriminator, by steps that both take at the same time."""

from collections.abc import Callable
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from sims.networks.adversaries import Adversaries
from sims.networks.perceptron import Perceptron
from sims.training.state import AbstractTraining, TrainingState, descended, initial_state
from theory.definitions.arrays import floating
from theory.definitions.checks import whole

Logits = Float[Array, " n"]


def minimax(logits: Logits) -> Float[Array, ""]:
    """E ln(1 - S(D(G(z)))), S the logistic function: what the discriminator raises (Goodfellow et al. 2014, Eq. 1)."""
    return jnp.mean(-jax.nn.softplus(logits))


def non_saturating(logits: Logits) -> Float[Array, ""]:
    """-E ln S(D(G(z))), with a gradient also where the discriminator wins (Goodfellow et al. 2014, Sec. 3)."""
    return jnp.mean(jax.nn.softplus(-logits))


def discriminator_loss(real: Logits, generated: Logits) -> Float[Array, ""]:
    """-E ln S(D(x)) - E ln(1 - S(D(G(z))))."""
    return jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(generated))


class AdversarialTraining(AbstractTraining):
    """Steps of both networks from one fresh batch of data and one of latents, at the same time and by one optimiser.

    Neither sees the other's step before its own. Raises ValueError for data that are no rows, and unless the batch size
    is 1, 2, ….
    """

    data: Float[Array, "m dim"] = eqx.field(converter=floating)
    optimiser: optax.GradientTransformation = eqx.field(static=True)
    batch_size: int = eqx.field(converter=partial(whole, "batch_size"), static=True)
    generator_loss: Callable[[Logits], Float[Array, ""]] = eqx.field(static=True, default=non_saturating)

    def __check_init__(self) -> None:
        if self.data.ndim != 2:
            raise ValueError(f"training data must be rows of numbers, (m, dim); got shape {self.data.shape}")

    def init(self, network: Adversaries, key: PRNGKeyArray | None = None) -> TrainingState[Adversaries]:
        """Raises ValueError without a key."""
        if key is None:
            raise ValueError("the key of random batches must be given; got None")
        return initial_state(network, self.optimiser, key)

    def step(self, state: TrainingState[Adversaries]) -> TrainingState[Adversaries]:
        assert state.key is not None
        key, batch_key = jax.random.split(state.key)
        after = descended(state, self.gradient(state.parameters, batch_key), self.optimiser)
        return TrainingState(after.parameters, after.optimiser, key, after.step)

    def gradient(self, network: Adversaries, key: PRNGKeyArray) -> Adversaries:
        """That of each network's own loss over one fresh batch."""
        data_key, latent_key = jax.random.split(key)
        index = jax.random.randint(data_key, (self.batch_size,), 0, self.data.shape[0])
        latent = jax.random.normal(latent_key, (self.batch_size, network.generator.inputs), self.data.dtype)
        return self.gradient_at(network, self.data[index], latent)

    def gradient_at(
        self, network: Adversaries, real: Float[Array, "n dim"], latent: Float[Array, "n latent"]
    ) -> Adversaries:
        """The same at given data and latents."""

        def of_generator(generator: Perceptron) -> Float[Array, ""]:
            return self.generator_loss(Adversaries(generator, network.discriminator).logits(generator(latent)))

        def of_discriminator(discriminator: Perceptron, generated: Array) -> Float[Array, ""]:
            rival = Adversaries(network.generator, discriminator)
            return discriminator_loss(rival.logits(real), rival.logits(generated))

        return Adversaries(
            eqx.filter_grad(of_generator)(network.generator),
            eqx.filter_grad(of_discriminator)(network.discriminator, network.generator(latent)),
        )
