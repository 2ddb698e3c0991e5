"""What is claimed of gains and of what they predict, of known arrays; and what is measured of a linear denoiser."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from figures.common.stages import run_directly
from figures.studies.photograph_networks.denoisers import exact_denoiser
from figures.studies.photograph_networks.training import Photographs
from figures.studies.trained_networks.architectures import MLP as MLPArchitecture
from figures.studies.trained_networks.architectures import Linear as LinearArchitecture
from figures.studies.trained_networks.experiment import NetworkRun, TrainedRun, data_modes, prefixed, sampler_noise
from figures.wang2025.generation_from_gains.experiment import CNN, LINEAR, MLP, Config, compute, measure_gains
from figures.wang2025.generation_from_gains.statistics import exponent_of_gains
from sims.sampling.networks import heun_sample
from tests.figures.known_records import SPREAD, known, verdicts


def measured(predicted_over_generated, shares, bend=0.0, models=8, start=1.0):
    """Kinds by exponent .5, with predictions off by a factor and by a power of λ over training, and linear shares.

    At step 0 predictions are off by the factor `start`.
    """
    arrays = {}
    for kind, factor in zip((LINEAR, MLP, CNN), predicted_over_generated, strict=True):
        records = known(0.5 + SPREAD[:models])
        bent = known(0.5 + bend + SPREAD[:models])["generated"]
        spread = np.exp(0.1 * SPREAD[:models])[:, None, None]
        share = np.full(records["generated"].shape, shares[kind]) * spread
        predicted = factor * spread * bent
        predicted[:, 0] *= start
        own = records | {"predicted": predicted, "linear_share": share}
        arrays |= prefixed(kind, own | {"levels": np.geomspace(80, 0.1, 9)})
    return arrays


def test_gains_beside_what_is_generated():
    shares = {LINEAR: 0.98, MLP: 0.6, CNN: 0.4}
    even = verdicts("generation_from_gains", measured((1.0, 1.0, 1.0), shares))
    assert even.pop("MLP-UNet: a random function adds variance") == "differs"
    assert set(even.values()) == {"holds"}
    more = verdicts("generation_from_gains", measured((1.0, 1.0, 1.0), shares, start=0.6))
    assert more["MLP-UNet: a random function adds variance"] == "holds"
    other = verdicts("generation_from_gains", measured((1.2, 0.7, 1.5), shares | {MLP: 0.97}))
    for words in ("linear network", "MLP-UNet", "CNN, one level"):
        assert other[f"{words}: gains predict what is generated"] == "differs"
    assert other["MLP-UNet: less of a mode is linear in its own noise"] == "differs"
    assert other["CNN, one level: less of a mode is linear in its own noise"] == "holds"


def test_exponents_by_gains():
    shares = dict.fromkeys((LINEAR, MLP, CNN), 0.5)
    bent = measured((1.0, 1.0, 1.0), shares, bend=0.3)
    np.testing.assert_allclose(exponent_of_gains(bent, MLP), 0.3, atol=0.02)
    assert verdicts("generation_from_gains", bent)["MLP-UNet: gains have the exponent"] == "differs"
    few = verdicts("generation_from_gains", measured((1.0, 1.0, 1.0), shares, models=7))
    assert "MLP-UNet: gains have the exponent" not in few


def test_exponents_by_gains_are_each_of_their_own_start():
    """A start that is off by a factor moves the level half as far in logarithms: the law keeps its power."""
    shares = dict.fromkeys((LINEAR, MLP, CNN), 0.5)
    records = measured((1.0, 1.0, 1.0), shares)
    for name in ("generated", "predicted"):
        records[f"{MLP}_{name}"] = known(0.5 + SPREAD, initial=0.3 if name == "generated" else 0.18)["generated"]
    np.testing.assert_allclose(exponent_of_gains(records, MLP), 0.0, atol=0.02)


VARIANCE = np.array([3.0, 0.5, 0.02])
NETWORK = NetworkRun(
    MLPArchitecture(layers=1, width=2, embedding=2), steps=1, records=1, samples=512, batch_size=1, heun_steps=12
)


def example():
    random = np.random.default_rng(0)
    data = (random.normal(size=(400, 3)) * np.sqrt(VARIANCE)).astype(np.float32)
    run = TrainedRun("a model", NETWORK, data, jax.random.key(0))
    return run, data_modes(data), np.asarray(NETWORK.levels, dtype=float)


def test_gains_of_the_exact_denoiser_of_a_gaussian():
    """They are λ/(λ + σ²), predict what the sampler makes of its noise, and all of it is linear."""
    run, modes, levels = example()
    denoiser = exact_denoiser(modes)
    found = measure_gains(run, draws=256)(denoiser)
    exact = modes.variance / (modes.variance + levels[:-1, None] ** 2)
    np.testing.assert_allclose(found["gains"], exact, rtol=1e-4, atol=1e-6)
    noise = np.asarray(sampler_noise(run))
    samples = (np.asarray(heun_sample(denoiser, noise, NETWORK.levels)) - modes.mean) @ modes.basis
    of_noise = (noise @ modes.basis).var(axis=0)
    np.testing.assert_allclose(found["predicted"] * of_noise, samples.var(axis=0), rtol=1e-3)
    np.testing.assert_allclose(found["linear_share"], 1.0, atol=1e-4)


def test_what_modes_give_each_other_is_no_gain():
    """A linear denoiser that turns two modes half-way into each other: what is then of the other is no linear share."""
    run, modes, _ = example()
    inner, angle = exact_denoiser(modes), np.pi / 4
    turned = np.eye(3)
    turned[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    turn, mean = (modes.basis @ turned @ modes.basis.T).astype(np.float32), modes.mean[None].astype(np.float32)

    def mixing(points, level):
        """At the last step only."""
        out = inner(points, level)
        return jax.numpy.where(level < 0.003, (out - mean) @ turn.T + mean, out)

    found = measure_gains(run, draws=256)(mixing)
    first = VARIANCE[0] / (VARIANCE[0] + VARIANCE[1])
    np.testing.assert_allclose(found["linear_share"][:2], [first, 1 - first], atol=0.08)
    np.testing.assert_allclose(found["linear_share"][2], 1.0, atol=1e-3)


@pytest.mark.slow
def test_records_of_kept_networks_are_those_of_training():
    """Three networks of six records: the first, one between and the last."""
    linear = NetworkRun(
        LinearArchitecture(), steps=20, records=6, samples=16, batch_size=16, learning_rate=1e-2, heun_steps=4, kept=3
    )
    photographs = Photographs(size=4, count=64, models=2)
    every = replace(linear, kept=6)
    found, complete = (
        compute(Config(photographs, network, network, network, draws=8), key=jax.random.key(0), stage=run_directly)
        for network in (linear, every)
    )
    places = np.searchsorted(every.kept_at, linear.kept_at)
    assert places.tolist() == [0, 2, 5]
    for name in ("generated", "predicted", "gains"):
        np.testing.assert_array_equal(found[f"{MLP}_{name}"], complete[f"{MLP}_{name}"][:, places])
