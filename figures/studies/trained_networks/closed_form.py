"""The closed form beside a trained network: a linear denoiser of one layer with EDM's preconditioning and noise levels.

It has the data's modes, the density of noise levels that the network was trained on, and the variance that the network
started from. One number is free: how many steps one unit of its time takes.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.trained_networks.experiment import (
    SIGMA_MAX,
    SIGMA_MIN,
    NetworkRun,
    TrainedRun,
    measure_modes,
    stacked,
    train,
)
from theory.definitions.objectives import Objective
from theory.definitions.preconditionings import EDMPreconditioning
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.definitions.weights import AbstractWeight, EDMWeight, LogNormalDensity, PowerWeight, ProductWeight
from theory.spectral_law.generation import generated_variance
from theory.spectral_law.parametrisations.one_layer import OneLayer

_TIMES = 160


def train_beside_closed_forms(
    runs: Mapping[str, Sequence[TrainedRun]],
    *,
    stage: RunStage,
    share: float,
    closed_form_share: float,
    together: bool = False,
) -> dict[str, Arrays]:
    """Every model of every kind trained and measured by `measure_modes`, stacked, with the closed form beside them.

    `closed_form_share` is the part of `share` that the closed forms take.
    """
    every = [run for of_kind in runs.values() for run in of_kind]
    results = iter(train(every, measure_modes, stage=stage, share=share * (1 - closed_form_share), together=together))
    found = {kind: stacked(of_kind, [next(results) for _ in of_kind]) for kind, of_kind in runs.items()}
    networks = {kind: of_kind[0].network for kind, of_kind in runs.items()}
    return with_closed_forms(found, networks, stage=stage, share=share * closed_form_share)


def with_closed_forms(
    trained: Mapping[str, Arrays], networks: Mapping[str, NetworkRun], *, stage: RunStage, share: float
) -> dict[str, Arrays]:
    """What `stacked` gave of the models of every kind, with `closed_form` beside them, a stage for each kind."""
    stages = [
        Stage(
            f"closed form beside {kind}",
            partial(closed_form, arrays["variance"], arrays["generated"][:, 0], networks[kind]),
            share / len(trained),
        )
        for kind, arrays in trained.items()
    ]
    together = zip(trained.items(), stage.all(stages), strict=True)
    return {kind: arrays | theory for (kind, arrays), theory in together}


def closed_form(
    variance: Float[np.ndarray, "models modes"], initial: Float[np.ndarray, "models modes"], network: NetworkRun
) -> Arrays:
    """Generated variances over the closed form's time: `closed_times` (models, times), `closed` (models, times, modes).

    **Arguments:** `variance` of the data's modes; `initial`, what the untrained network generates: the closed form
    starts from its geometric mean over modes, as σ_d² of both preconditioning and weight.
    """
    pairs = [_of_model(*each, network) for each in zip(variance, initial, strict=True)]
    times, curves = (np.stack(each) for each in zip(*pairs, strict=True))
    return {"closed_times": times, "closed": curves}


def density_of(network: NetworkRun) -> AbstractWeight:
    """How often noise levels are trained on, as the factor of the loss that it is in expectation."""
    if network.density == "log-uniform":
        return PowerWeight(jnp.asarray(network.tilt))
    log_mean = network.log_mean - 2 * network.tilt * network.log_std**2
    return LogNormalDensity(jnp.asarray(log_mean), jnp.asarray(network.log_std))


def _of_model(variance: np.ndarray, initial: np.ndarray, network: NetworkRun) -> tuple[np.ndarray, np.ndarray]:
    scale = float(np.exp(np.log(initial).mean() / 2))
    weight = ProductWeight(EDMWeight(jnp.asarray(scale)), density_of(network))
    objective = Objective(weight=weight, preconditioning=EDMPreconditioning(jnp.asarray(scale)))
    spectrum = Spectrum(jnp.zeros(variance.size), jnp.asarray(variance))
    process = EDM(SIGMA_MIN, SIGMA_MAX)
    denoiser = OneLayer(spectrum, process, initial_gain=0.0, learning_rate=1.0, objective=objective)
    # A mode is learned at the rate 2 p(σ)(λ + σ²)/(σ² + σ_d²), by noise levels between σ_d² and λ.
    ends = np.sqrt(np.clip([variance.min(), variance.max(), scale**2], SIGMA_MIN**2, SIGMA_MAX**2))
    often = np.asarray(density_of(network)(process, jnp.asarray(ends)))
    fastest, slowest = min(1.0, scale**2 / variance.max()), max(1.0, scale**2 / max(variance.min(), SIGMA_MIN**2))
    times = np.append(0.0, np.geomspace(1e-3 * fastest / often.max(), 1e2 * slowest / often.min(), _TIMES - 1))
    return times, np.asarray(generated_variance(denoiser, jnp.asarray(times)))
