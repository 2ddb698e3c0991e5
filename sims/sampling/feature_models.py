"""Sampling from ensembles of models that are linear in their features."""

import equinox as eqx
import jax
from jaxtyping import Array, Float

from sims.networks.feature_model import FeatureModel
from sims.sampling.solvers import Drift, euler, heun
from sims.training.training_triples import with_array_parameters
from theory.definitions.checks import check_times
from theory.definitions.processes import AbstractProcess, process_time


def denoiser_drift(model: FeatureModel, process: AbstractProcess) -> Drift:
    """Probability-flow drift with the score (αD(x, t) - x)/σ² of a trained denoiser."""

    def drift(index: Array, time: Array, x: Array) -> Array:
        del index
        alpha, sigma = process.signal_scale(time), process.noise_scale(time)
        return process.probability_flow(x, (alpha * model(x, time) - x) / sigma**2, time)

    return drift


SOLVERS = {"euler": euler, "heun": heun}


def sample_ensemble(
    models: FeatureModel,
    process: AbstractProcess,
    initial: Float[Array, "n dim"],
    times: Float[Array, " times"],
    *,
    method: str,
) -> Float[Array, "models n dim"]:
    """Carry the same initial positions through every model's probability-flow ODE.

    `method` is "euler" or "heun"; the denoiser is evaluated exactly at every position and time. Models run one
    after the other inside one compiled loop, so memory does not grow with their number beyond the samples
    returned. Raises ValueError for another method, and times that are not monotone or that the process does not have.
    """
    if method not in SOLVERS:
        raise ValueError(f"method must be one of {', '.join(SOLVERS)}; got {method!r}")
    check_times(times)
    process_time("times", times, process)
    features, process = with_array_parameters(models.features), with_array_parameters(process)
    return _sample_all(features, models.weight, process, initial, times, SOLVERS[method])


@eqx.filter_jit
def _sample_all(features, weights, process, initial, times, solver) -> Float[Array, "models n dim"]:
    def of_model(weight: Float[Array, "dim features"]) -> Float[Array, "n dim"]:
        return solver(denoiser_drift(FeatureModel(features, weight), process), initial, times)

    return jax.lax.map(of_model, weights)
