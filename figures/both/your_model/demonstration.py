"""A run to look at where the user gives none: a small MLP that learns the handwritten digits, with its snapshots."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, PRNGKeyArray

from figures.common.stages import Arrays
from sims.data.built_in import digits
from sims.data.layouts import Layout
from sims.data.snapshots import Snapshot
from sims.data.user_files import UserData
from sims.networks.nonlinear import mlp_denoiser
from sims.sampling.feature_models import denoiser_drift
from sims.sampling.schedules import log_snr_schedule
from sims.sampling.solvers import heun
from sims.training.network_ensembles import TripleBatches
from sims.training.state import advance
from sims.training.training_triples import draw_triples
from theory.definitions.processes import VariancePreserving

IMAGE_SHAPE = (8, 8)
_HEUN_STEPS = 24
_LEARNING_RATE = 1e-3


def demonstration_data() -> UserData:
    """The digits, in units in which a coordinate has the standard deviation one on average."""
    samples = digits()
    return _held("digits", samples / np.sqrt(samples.var(axis=0).mean()))


def demonstration_snapshots(steps: Sequence[int], samples: Float[np.ndarray, "snapshots n 64"]) -> list[Snapshot]:
    """The samples as a user's would be opened."""
    return [Snapshot(step, _held(f"step {step}", each)) for step, each in zip(steps, samples, strict=True)]


def demonstration_run(
    steps: tuple[int, ...], samples: int, width: int, triples: int, batch_size: int, key: PRNGKeyArray
) -> Arrays:
    """Samples after each of `steps`, (steps, samples, 64), of one MLP of two hidden layers trained by Adam.

    Variance-preserving noise, the loss of the noise, minibatches of `triples` fixed ones; all samples grow from the
    same noises.
    """
    triple_key, network_key, batch_key, noise_key = jax.random.split(key, 4)
    samples_of_data = np.concatenate(list(demonstration_data().blocks()))
    points, process = jnp.asarray(samples_of_data, jnp.float32), VariancePreserving(end_time=1e-3)
    examples = draw_triples(points, process, triples, key=triple_key)
    training = TripleBatches(examples, examples.clean, process, optax.adam(_LEARNING_RATE), batch_size)
    network = mlp_denoiser(process, points.shape[1], width=width, hidden_layers=2, key=network_key)
    state = training.init(network, batch_key)
    noise = jax.random.normal(noise_key, (samples, points.shape[1]), jnp.float32)
    times = log_snr_schedule(process, _HEUN_STEPS).astype(jnp.float32)
    found = []
    for step in steps:
        state = advance(training, state, step - int(state.step))
        found.append(np.asarray(_sampled(state.parameters, process, noise, times)))
    return {"samples": np.stack(found)}


@dataclass(frozen=True)
class _Rows:
    """Samples in memory, as `UserData` asks for those in a file."""

    samples: np.ndarray

    def rows(self, number: int) -> Iterator[np.ndarray]:
        yield from (self.samples[first : first + number] for first in range(0, len(self.samples), number))


def _held(name: str, samples: np.ndarray) -> UserData:
    count, dimension = samples.shape
    layout = Layout(count, dimension, IMAGE_SHAPE)
    return UserData(Path(name), count, dimension, IMAGE_SHAPE, name, _Rows(samples), layout, False)


@eqx.filter_jit
def _sampled(network, process, noise, times):
    return heun(denoiser_drift(network, process), noise, times)
