"""MLPs trained by Adam on the same doses; and, at P/F = 1, one thing at a time done otherwise."""

from dataclasses import dataclass, replace
from functools import partial

import jax
import numpy as np
import optax
from jaxtyping import PRNGKeyArray

from figures.bertrand2025.vastola_or_bertrand.setting import (
    DOSES,
    PROCESS,
    Config,
    Measured,
    measured_with,
    times,
    training_sets,
)
from figures.common.stages import Arrays
from sims.networks.nonlinear import MLPDenoiser, mlp_denoiser
from sims.sampling.networks import sample_networks
from sims.training.network_ensembles import continue_networks, init_networks
from sims.training.noise_shapes import BandedTargetNoise, EvenTargetNoise
from sims.training.score_targets import AbstractTripleTarget, IsotropicTargetNoise
from sims.training.stable_targets import StableTarget
from sims.training.state import some_members
from theory.definitions.spectra import Spectrum
from theory.target_noise.information import noise_level_of_information

BAND = 2.0  # the middle band reaches from 1/BAND to BAND times the noise level at which N points collapse
SHAPES = ("above", "around", "below", "isotropic", "even", "2 shared references")
SHAPED = ("exact", "DSM", "2 references", *SHAPES)
ARMS = ("online", "η/4", "4 B", "annealed η")
CONTROL_DIMENSION = 1
_CONTROL_DRAWS = 2**17  # P of the control, thirty times its F; the loss over a data set's triples fills half a GB


@dataclass(frozen=True)
class Training:
    """How networks are trained."""

    draws: int | None  # P; None for triples that are used once
    width: int
    steps: int
    batch_size: int
    learning_rate: float
    annealed: bool = False


def parameters(config: Config, dimension: int, width: int) -> int:
    """F, the number of trained parameters of one network."""
    layers = [dimension + 3, *(width,) * config.hidden_layers, dimension]
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in zip(layers[:-1], layers[1:], strict=True))


def shapes(config: Config, dimension: int) -> dict[str, AbstractTripleTarget]:
    """Noise at some noise levels only, and noise of the same trace but another shape."""
    points = config.points[config.dimensions.index(dimension)]
    spectrum = Spectrum.from_variances(np.ones(dimension))
    collapse = float(noise_level_of_information(spectrum, np.log(points)))
    low, high = collapse / BAND, collapse * BAND
    rules = (
        BandedTargetNoise(high, float("inf")),
        BandedTargetNoise(low, high),
        BandedTargetNoise(0.0, low),
        IsotropicTargetNoise(),
        EvenTargetNoise(),
        StableTarget(2, shared=True),
    )
    return dict(zip(SHAPES, rules, strict=True))


def base(config: Config, dimension: int, ratio: float) -> Training:
    draws = round(ratio * parameters(config, dimension, config.width))
    return Training(draws, config.width, config.network_steps, config.batch_size, config.learning_rate)


def arm(config: Config, dimension: int, name: str) -> Training:
    """The reference, P/F = 1, but for one thing. A quarter of the step size takes four times the steps."""
    reference = base(config, dimension, 1.0)
    return {
        "online": replace(reference, draws=None),
        "η/4": replace(reference, learning_rate=reference.learning_rate / 4, steps=4 * reference.steps),
        "4 B": replace(reference, batch_size=4 * reference.batch_size),
        "annealed η": replace(reference, annealed=True),
    }[name]


def control(config: Config) -> Training:
    """The exact target, as many steps as it takes to memorise."""
    draws = min(_CONTROL_DRAWS, config.control_steps * config.batch_size)
    return Training(draws, config.width, config.control_steps, config.batch_size, config.learning_rate, annealed=True)


def networks(
    config: Config,
    dimension: int,
    training: Training,
    names: tuple[str, ...],
    data_key: PRNGKeyArray,
    key: PRNGKeyArray,
) -> Arrays:
    """Endpoints and final loss over the training triples, [target, set, seed], of the targets named."""
    measured = measured_with(config, dimension, data_key)
    rules = DOSES | shapes(config, dimension)
    sets_key, network_key = jax.random.split(key)
    draws = training.steps * training.batch_size if training.draws is None else training.draws
    chosen = tuple(rules[name] for name in names)
    draw = partial(training_sets, config, objectives=chosen, seeds=config.network_seeds, samples=draws)

    def make(member_key: PRNGKeyArray) -> MLPDenoiser:
        width, layers = training.width, config.hidden_layers
        return mlp_denoiser(PROCESS, dimension, width=width, hidden_layers=layers, key=member_key)

    rate = training.learning_rate
    optimiser = optax.adam(optax.cosine_decay_schedule(rate, training.steps) if training.annealed else rate)
    set_keys = jax.random.split(sets_key, config.data_sets)
    shape = jax.eval_shape(partial(draw, measured.data_sets), keys=set_keys)
    state = init_networks(make, shape, optimiser=optimiser, key=network_key)
    sizes = {"steps": training.steps, "batch_size": training.batch_size, "records": 1}
    samples, losses = [], []
    # All triples of all data sets at a time would not fit into memory where they are many.
    for first in range(0, config.data_sets, config.sets_at_a_time):
        some = slice(first, first + config.sets_at_a_time)
        sets = draw(measured.data_sets[some], keys=set_keys[some])
        models = slice(some.start * config.network_seeds, some.stop * config.network_seeds)
        own = some_members(state, models, axis=1)  # after that of the objectives
        own, loss = continue_networks(own, sets, PROCESS, optimiser=optimiser, **sizes)
        samples.append(np.asarray(sample_networks(own.parameters, PROCESS, measured.initial, times(config))))
        losses.append(np.asarray(loss[..., -1]))
    samples, loss = np.concatenate(samples, axis=1), np.concatenate(losses, axis=1)
    return _of_samples(config, measured, samples.astype(float), loss.astype(float))


def _of_samples(config: Config, measured: Measured, samples: np.ndarray, loss: np.ndarray) -> Arrays:
    shape = (samples.shape[0], config.data_sets, config.network_seeds)
    samples = samples.reshape(*shape, *samples.shape[2:])
    return {
        "memorised": measured.shares(samples),
        "distance": measured.distances(samples),
        "loss": loss.reshape(shape),
    }
