"""What is claimed of gains and of what they predict, of known arrays; and what is measured of a linear denoiser."""

import jax
import numpy as np

from figures.studies.photograph_networks.denoisers import exact_denoiser
from figures.studies.trained_networks.architectures import MLP as MLPArchitecture
from figures.studies.trained_networks.experiment import (
    NetworkRun,
    TrainedRun,
    data_modes,
    exact_heun_variance,
    prefixed,
)
from figures.wang2025.generation_from_gains.experiment import CNN, LINEAR, MLP, measure_gains
from figures.wang2025.generation_from_gains.statistics import exponent_of_gains
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
    assert other["MLP-UNet: samples are not linear in the noise"] == "differs"
    assert other["CNN, one level: samples are not linear in the noise"] == "holds"


def test_exponents_by_gains():
    shares = dict.fromkeys((LINEAR, MLP, CNN), 0.5)
    bent = measured((1.0, 1.0, 1.0), shares, bend=0.3)
    np.testing.assert_allclose(exponent_of_gains(bent, MLP), 0.3, atol=0.02)
    assert verdicts("generation_from_gains", bent)["MLP-UNet: gains have the exponent"] == "differs"
    few = verdicts("generation_from_gains", measured((1.0, 1.0, 1.0), shares, models=7))
    assert "MLP-UNet: gains have the exponent" not in few


def test_gains_of_the_exact_denoiser_of_a_gaussian():
    """They are λ/(λ + σ²), predict what the sampler's steps make of these, and all of it is linear."""
    variance = np.array([3.0, 0.5, 0.02])
    random = np.random.default_rng(0)
    data = (random.normal(size=(400, 3)) * np.sqrt(variance)).astype(np.float32)
    network = NetworkRun(
        MLPArchitecture(layers=1, width=2, embedding=2), steps=1, records=1, samples=64, batch_size=1, heun_steps=12
    )
    run, modes = TrainedRun("a model", network, data, jax.random.key(0)), data_modes(data)
    found = measure_gains(run, draws=256)(exact_denoiser(modes))
    levels = np.asarray(network.levels, dtype=float)
    exact = modes.variance / (modes.variance + levels[:-1, None] ** 2)
    np.testing.assert_allclose(found["gains"], exact, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["predicted"], exact_heun_variance(modes.variance, levels), rtol=1e-3)
    np.testing.assert_allclose(found["linear_share"], 1.0, atol=1e-4)
