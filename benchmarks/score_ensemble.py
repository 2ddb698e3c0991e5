"""How many times faster than a NumPy loop over models is training and sampling an ensemble of small denoisers?

Run `python -m benchmarks.score_ensemble [--models N]`. Two hidden layers of 32 units, each member on its own 256 noisy
triples of {-1, 0, 1}: Adam on minibatches of 64, then Heun's method from 300 positions. The reference trains one model
after the other, with the gradient written out and every step vectorised over the batch; both work in single precision.
"""

import argparse
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.timing import HEADER, Comparison, compare
from sims.networks.nonlinear import MLPDenoiser, mlp_denoiser
from sims.sampling.networks import sample_networks
from sims.sampling.schedules import log_snr_schedule
from sims.training.network_ensembles import train_networks
from sims.training.score_ensembles import TrainingSets, draw_training_sets
from sims.training.score_targets import TargetNoiseDose
from theory.definitions.processes import VariancePreserving

MODELS, TRIPLES, BATCH, WIDTH, HIDDEN_LAYERS = 300, 256, 64, 32, 2
TRAINING_STEPS, SAMPLES, SAMPLING_STEPS, LEARNING_RATE = 200, 300, 60, 1e-2
PROCESS = VariancePreserving(end_time=1e-2)
POINTS = np.array([[-1.0], [0.0], [1.0]])
BETA_MIN, BETA_SLOPE = 0.1, 19.9
OPTIMISER = optax.adam(LEARNING_RATE)

Parameters = list[np.ndarray]  # weights of all layers, then biases of all layers


def _make(key: jax.Array) -> MLPDenoiser:
    return mlp_denoiser(PROCESS, 1, width=WIDTH, hidden_layers=HIDDEN_LAYERS, key=key)


def _training_sets(models: int) -> TrainingSets:
    sets = draw_training_sets(
        jnp.asarray(POINTS), PROCESS, (TargetNoiseDose(1.0),), models=models, samples=TRIPLES, key=jax.random.key(0)
    )
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float32), sets)


def _initial_positions() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(SAMPLES, 1)).astype(np.float32)


# --- NumPy ---


def numpy_ensemble(sets: TrainingSets, networks: MLPDenoiser, *, batch: int | None, steps: int) -> np.ndarray:
    """Samples of every model, (models, n, 1), trained one after the other from the given networks."""
    random, samples = np.random.default_rng(1), []
    # Outside the loop, so that indexing and the schedule are NumPy's and cost the reference nothing.
    leaves = [np.asarray(leaf) for leaf in (*networks.weights, *networks.biases)]
    noisy, time, targets = (np.asarray(leaf) for leaf in (sets.triples.noisy, sets.triples.time, sets.targets))
    schedule = np.asarray(log_snr_schedule(PROCESS, SAMPLING_STEPS), dtype=np.float32)
    for model in range(targets.shape[1]):
        parameters = [leaf[model].copy() for leaf in leaves]
        _numpy_train(parameters, noisy[model], time[model], targets[0, model], random, batch, steps)
        samples.append(_numpy_sample(parameters, _initial_positions(), schedule))
    return np.stack(samples)


def _numpy_train(parameters: Parameters, noisy, time, target, random, batch: int | None, steps: int) -> None:
    """Adam in place."""
    first, second = ([np.zeros_like(leaf) for leaf in parameters] for _ in range(2))
    for step in range(1, steps + 1):
        index = slice(None) if batch is None else random.integers(len(time), size=batch)
        gradients = _gradients(parameters, noisy[index], time[index], target[index])
        for leaf, m, v, gradient in zip(parameters, first, second, gradients, strict=True):
            m += 0.1 * (gradient - m)
            v += 0.001 * (gradient**2 - v)
            leaf -= LEARNING_RATE * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)


def _scales(time):
    """α and σ in single precision."""
    log_alpha = -(BETA_MIN * time + BETA_SLOPE * time**2 / 2)
    return np.exp(log_alpha), np.sqrt(-np.expm1(2 * log_alpha))


def _forward(parameters: Parameters, x, time):
    """D, and what the gradient needs: pre-activations, activations, and c_out = σ for this process."""
    layers = len(parameters) // 2
    alpha, sigma = _scales(time[:, None])
    noise = (np.log(sigma) - np.log(alpha)) / 4
    before, after = [], [np.concatenate([x, noise, np.sin(2 * noise), np.cos(2 * noise)], axis=1)]
    for weight, bias in zip(parameters[:layers], parameters[layers:], strict=True):
        before.append(after[-1] @ weight + bias)
        after.append(before[-1] / (1 + np.exp(-before[-1])))
    return alpha * x + sigma * before[-1], before, after, sigma


def _gradients(parameters: Parameters, x, time, target) -> Parameters:
    """Of ½ mean (α²/σ²)(D - y)²."""
    layers = len(parameters) // 2
    denoised, before, after, sigma = _forward(parameters, x, time)
    alpha = _scales(time[:, None])[0]
    slope = (alpha / sigma) ** 2 * (denoised - target) * sigma / len(x)
    weights, biases = [], []
    for layer in reversed(range(layers)):
        weights.insert(0, after[layer].T @ slope)
        biases.insert(0, slope.sum(axis=0))
        if layer:
            gate = 1 / (1 + np.exp(-before[layer - 1]))
            slope = slope @ parameters[layer].T * gate * (1 + before[layer - 1] * (1 - gate))
    return [*weights, *biases]


def _numpy_sample(parameters: Parameters, x: np.ndarray, times: np.ndarray) -> np.ndarray:
    def drift(x: np.ndarray, time: np.float32) -> np.ndarray:
        alpha, sigma = _scales(time)
        denoised = _forward(parameters, x, np.full(len(x), time))[0]
        return -(BETA_MIN + BETA_SLOPE * time) * (x + (alpha * denoised - x) / sigma**2)

    for time, following in zip(times[:-1], times[1:], strict=True):
        size, slope = following - time, drift(x, time)
        x = x + size / 2 * (slope + drift(x + size * slope, following))
    return x


# --- Ours ---


def our_ensemble(sets: TrainingSets, key: jax.Array, *, batch: int | None, steps: int) -> jax.Array:
    """The same with this package, (models, n, 1)."""
    trained = train_networks(
        _make,
        sets,
        jnp.asarray(POINTS),
        PROCESS,
        optimiser=OPTIMISER,
        steps=steps,
        batch_size=batch,
        records=1,
        key=key,
    )
    times = log_snr_schedule(PROCESS, SAMPLING_STEPS).astype(jnp.float32)
    return sample_networks(trained.networks, PROCESS, jnp.asarray(_initial_positions()), times)[0]


def _initial_networks(models: int, key: jax.Array) -> MLPDenoiser:
    """The networks that `train_networks` starts from."""
    return eqx.filter_vmap(_make)(jax.random.split(jax.random.split(key)[0], models))


def check() -> None:
    """Without minibatches, whose draws differ, both programs give the same samples."""
    sets, key = _training_sets(2), jax.random.key(1)
    ours = our_ensemble(sets, key, batch=None, steps=20)
    reference = numpy_ensemble(sets, _initial_networks(2, key), batch=None, steps=20)
    np.testing.assert_allclose(ours, reference, rtol=0, atol=5e-3)


def main(models: int = MODELS) -> list[Comparison]:
    with jax.enable_x64(True):
        check()
        sets, key = _training_sets(models), jax.random.key(2)
        networks = jax.block_until_ready(_initial_networks(models, key))
        return [
            compare(
                f"{models} MLPs, trained and sampled",
                "NumPy, a loop over models",
                partial(numpy_ensemble, sets, networks, batch=BATCH, steps=TRAINING_STEPS),
                partial(our_ensemble, sets, key, batch=BATCH, steps=TRAINING_STEPS),
                repetitions=1,
            )
        ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=MODELS)
    arguments = parser.parse_args()
    print(HEADER, *(comparison.row() for comparison in main(arguments.models)), sep="\n")
