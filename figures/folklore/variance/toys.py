"""What needs no trained network: gradients of one mean, a game of two linear players, and targets of the loss."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from figures.common.stages import Arrays
from theory.target_noise.gradient_toys import bilinear_game_distance, denoising_signal, likelihood_signal

DIMENSION, DISTANCE = 10, 0.5  # of the data N(0, I), and |δ|
TOY_LEVELS = np.array([0.3, 1.0, 3.0])
GAME = {"steps": 400, "rate": 0.05, "batch_size": 64}
TARGETS = ("clean point", "noise", "score", "preconditioned")


def toys(replicates: int, draws: int, key: PRNGKeyArray) -> Arrays:
    """`toy_norms` (replicates, 1 + levels, 2), mean |g|² and |mean g|² over draws of likelihood's gradient and
    denoising's at TOY_LEVELS; `toy_signal` (1 + levels,), theory; `toy_game` (32 replicates,), r² of games of GAME
    after their steps, and `toy_game_theory`.
    """
    mean_key, game_key = jax.random.split(key)
    compiled = jax.jit(jax.vmap(lambda key: _toy_norms(draws, key)))
    game = jax.jit(jax.vmap(_play))(jax.random.split(game_key, 32 * replicates))
    squared = DISTANCE**2
    theory = bilinear_game_distance(squared, 1.0, DIMENSION, **GAME)
    signal = [float(likelihood_signal(squared, 1.0, DIMENSION))]
    signal += [float(denoising_signal(squared, 1.0, DIMENSION, level)) for level in TOY_LEVELS]
    return {
        "toy_norms": np.asarray(compiled(jax.random.split(mean_key, replicates))),
        "toy_signal": np.asarray(signal),
        "toy_draws": np.asarray(draws),
        "toy_game": np.asarray(game),
        "toy_game_theory": np.asarray(theory),
    }


def targets(replicates: int, draws: int, levels: Float[np.ndarray, " levels"], key: PRNGKeyArray) -> Arrays:
    """`target_power` (replicates, targets, levels): E|y|² per coordinate for data of unit variance."""
    sigma = jnp.asarray(levels)[:, None, None]

    def of_replicate(key: PRNGKeyArray) -> Float[Array, "targets levels"]:
        data_key, noise_key = jax.random.split(key)
        clean = jax.random.normal(data_key, (levels.size, draws, 2))
        noise = jax.random.normal(noise_key, clean.shape)
        noisy = clean + sigma * noise
        scaled = (clean - noisy / (1 + sigma**2)) * jnp.sqrt(1 + sigma**2) / sigma
        each = jnp.stack([clean, noise, -noise / sigma, scaled])
        return jnp.mean(each**2, axis=(2, 3))

    return {"target_power": np.asarray(jax.jit(jax.vmap(of_replicate))(jax.random.split(key, replicates)))}


def _toy_norms(draws: int, key: PRNGKeyArray) -> Float[Array, "kinds 2"]:
    """Data are about zero and the mean is off by δ."""
    off = jnp.full(DIMENSION, DISTANCE / np.sqrt(DIMENSION))
    data_key, noise_key = jax.random.split(key)
    x = jax.random.normal(data_key, (draws, DIMENSION))
    noise = jax.random.normal(noise_key, x.shape)
    denoising = ((off[None] - x - s * noise) / (1 + s**2) + noise / s for s in TOY_LEVELS)
    gradients = jnp.stack([off[None] - x, *denoising])
    mean_square, squared_mean = jnp.sum(gradients**2, axis=2).mean(axis=1), jnp.sum(gradients.mean(axis=1) ** 2, axis=1)
    return jnp.stack([mean_square, squared_mean], axis=1)


def _play(key: PRNGKeyArray) -> Float[Array, ""]:
    """One game: r² at its end."""
    batch, rate = GAME["batch_size"], GAME["rate"]

    def step(players: tuple[Array, Array], key: PRNGKeyArray) -> tuple[tuple[Array, Array], None]:
        generator, critic = players
        real, fake = jax.random.normal(key, (2, DIMENSION)) / jnp.sqrt(batch)  # means over the batch
        return (generator + rate * critic, critic + rate * (real - generator - fake)), None

    start = jnp.full(DIMENSION, DISTANCE / np.sqrt(DIMENSION)), jnp.zeros(DIMENSION)
    (generator, critic), _ = jax.lax.scan(step, start, jax.random.split(key, GAME["steps"]))
    return jnp.sum(generator**2) + jnp.sum(critic**2)
