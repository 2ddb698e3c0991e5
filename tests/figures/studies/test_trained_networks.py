"""The study of trained networks: its stages, what it measures, and what it reads from records."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from figures.common.stages import run_directly
from figures.studies.trained_networks.architectures import MLP, Linear, ResNet, UNet
from figures.studies.trained_networks.experiment import (
    NetworkRun,
    TrainedRun,
    data_modes,
    exact_heun_variance,
    measure_modes,
    sampler_noise,
    stacked,
    train,
)

VARIANCES = np.array([4.0, 0.25, 0.04])
RUN = NetworkRun(Linear(nodes=8), steps=12, records=4, samples=64, batch_size=16, learning_rate=1e-2, heun_steps=4)


class Recorder:
    """A `RunStage` that keeps what it ran, in rounds of stages that were handed over together."""

    def __init__(self):
        self.rounds = []

    def all(self, stages):
        self.rounds.append({stage.name: stage.share for stage in stages})
        return run_directly.all(stages)


def model(network=RUN, name="a model", seed=0):
    data = np.random.default_rng(seed).normal(size=(50, 3)) * np.sqrt(VARIANCES)
    return TrainedRun(name, network, data.astype(np.float32), jax.random.key(seed))


def test_stages_change_nothing_and_have_equal_work():
    """A run in one stage and one in many, beside another of fewer: the same bits."""
    whole = train([model()], measure_modes, stage=run_directly, share=1.0)[0]
    recorder = Recorder()
    cut, other = train(
        [model(replace(RUN, segments=3)), model(replace(RUN, segments=1), "another")],
        measure_modes,
        stage=recorder,
        share=0.6,
    )
    assert whole.keys() == cut.keys() == {"generated", "alignment", "alignment_unbiased"}
    for name, array in whole.items():
        np.testing.assert_array_equal(array, cut[name], strict=True)
        np.testing.assert_array_equal(array, other[name], strict=True)
    assert [len(each) for each in recorder.rounds] == [2, 1, 1]
    np.testing.assert_allclose([share for each in recorder.rounds for share in each.values()], 0.15)
    # Records at 0, 1, 3, 12 cost 64·7/(3·16) = 9.3 steps each: 49.3 in all; 16.4 are done at step 1, 32.9 at step 5.
    ends = [int(name.split()[-1]) for each in recorder.rounds for name in each if "another" not in name]
    assert ends == [1, 5, 12]


def test_samples_are_measured_in_the_datas_modes():
    """Of all samples, by NumPy alone; the untrained network multiplies every direction of its noise by one number."""
    run = model()
    arrays = stacked([run], train([run], partial(measure_modes, pictures=64), stage=run_directly, share=1.0))
    values, vectors = np.linalg.eigh(np.cov(run.data.astype(float).T))
    np.testing.assert_allclose(arrays["variance"][0], values[::-1], rtol=1e-10)
    np.testing.assert_array_equal(arrays["steps"], [0, 1, 3, 12])
    assert arrays["pictures"].shape == (1, 4, 64, 3)
    covariances = np.stack([np.cov((x.astype(float) @ vectors[:, ::-1]).T) for x in arrays["pictures"][0]])
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    np.testing.assert_allclose(arrays["generated"][0], variances, rtol=1e-6)
    chi = np.sum(variances**2, axis=1) / np.sum(covariances**2, axis=(1, 2))
    np.testing.assert_allclose(arrays["alignment"][0], chi, rtol=1e-6)
    scaled = arrays["pictures"][0, 0] / np.asarray(sampler_noise(run))
    np.testing.assert_allclose(scaled, scaled[0, 0], rtol=1e-4)
    assert (arrays["alignment_unbiased"] > arrays["alignment"]).all()


def test_the_solvers_own_error():
    """Mode by mode in plain Python, from the levels that the sampler has."""
    levels = np.asarray(RUN.levels, dtype=float)
    expected = []
    for variance in VARIANCES:
        x = levels[0]
        for here, there in zip(levels[:-2], levels[1:-1], strict=True):
            first = x * here / (variance + here**2)
            moved = x + (there - here) * first
            x = x + (there - here) * (first + moved * there / (variance + there**2)) / 2
        expected.append((x * variance / (variance + levels[-2] ** 2)) ** 2)
    np.testing.assert_allclose(exact_heun_variance(VARIANCES, levels), expected, rtol=1e-12)
    fine = np.append(np.geomspace(80, 2e-3, 4000), 0.0)
    np.testing.assert_allclose(exact_heun_variance(VARIANCES, fine), VARIANCES, rtol=2e-3)


def test_modes_of_one_coordinate_and_of_constant_ones():
    assert data_modes(np.array([[1.0], [3.0]])).variance.tolist() == [2.0]
    assert data_modes(np.array([[1.0, 5.0], [3.0, 5.0]])).variance.min() >= 0


@pytest.mark.parametrize(
    "architecture",
    [
        Linear(layers=2, nodes=4),
        MLP(layers=2, width=8, embedding=4),
        UNet((2, 2, 1), channels=4, multipliers=(1,)),
        ResNet((2, 2, 1), channels=4, blocks=1),
    ],
)
def test_architectures_are_networks_and_part_of_a_config(architecture):
    def denoised():
        return architecture.build(4, jax.random.key(0))(jnp.ones((3, 4), jnp.float32), jnp.float32(0.5))

    assert jax.eval_shape(denoised).shape == (3, 4)
    assert architecture.kind
    with pytest.raises(AttributeError):
        architecture.kind = "another"


@pytest.mark.parametrize("architecture", [UNet((2, 2, 1), 4, (1,)), ResNet((2, 2, 1), 4, 1)])
def test_images_of_another_size_are_refused(architecture):
    with pytest.raises(ValueError, match=r"must have 4 numbers; got 5"):
        architecture.build(5, jax.random.key(0))
