"""The study of trained networks: its stages, what it measures, and what it reads from records."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from figures.common.stages import run_directly
from figures.studies.trained_networks.architectures import MLP, Linear, ResNet, UNet
from figures.studies.trained_networks.closed_form import closed_form
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
from figures.studies.trained_networks.plots import words
from figures.studies.trained_networks.statistics import Reading
from sims.measurements.gray_zone import outside_scalar_gray_zone
from sims.training.edm import TrainingDivergedError
from tests.figures.known_records import STEPS, known

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


@pytest.mark.slow
def test_stages_change_nothing_and_have_equal_work():
    """A run in one stage and one in many, beside another of fewer: the same bits."""
    whole = train([model()], measure_modes, stage=run_directly, share=1.0)[0].measured
    recorder = Recorder()
    cut, other = train(
        [model(replace(RUN, segments=3)), model(replace(RUN, segments=1), "another")],
        measure_modes,
        stage=recorder,
        share=0.6,
    )
    cut, other = cut.measured, other.measured
    assert whole.keys() == cut.keys() == {"generated", "alignment", "alignment_unbiased"}
    for name, array in whole.items():
        np.testing.assert_array_equal(array, cut[name], strict=True)
        np.testing.assert_array_equal(array, other[name], strict=True)
    assert [len(each) for each in recorder.rounds] == [2, 1, 1]
    grouped = Recorder()
    run, seeded = model(replace(RUN, segments=2)), model(replace(RUN, segments=2), "another", seed=1)
    first, second = train([run, seeded], measure_modes, stage=grouped, share=1.0, together=True)
    assert [len(each) for each in grouped.rounds] == [1, 1]
    np.testing.assert_array_equal(first.measured["generated"], whole["generated"], strict=True)
    alone = train([seeded], measure_modes, stage=run_directly, share=1.0)[0].measured
    np.testing.assert_array_equal(second.measured["generated"], alone["generated"], strict=True)
    np.testing.assert_allclose([share for each in recorder.rounds for share in each.values()], 0.15)
    # Records at 0, 1, 3, 12 cost 64·7/(3·16) = 9.3 steps each: 49.3 in all; 16.4 are done at step 1, 32.9 at step 5.
    ends = [int(name.split()[-1]) for each in recorder.rounds for name in each if "another" not in name]
    assert ends == [1, 5, 12]


@pytest.mark.parametrize(("rate", "left"), [(1e30, "none, since the run began"), (0.4, "that of the stage to step")])
def test_a_loss_that_diverges_names_the_checkpoint_to_go_back_to(rate, left):
    """At once, and at a rate at which steps grow slowly."""
    run = model(replace(RUN, optimiser="sgd", learning_rate=rate, steps=60, records=2, segments=4, samples=4))
    with pytest.raises(TrainingDivergedError, match=f"the last good checkpoint is {left}"):
        train([run], measure_modes, stage=run_directly, share=1.0)


def test_samples_in_parts_are_the_same_samples():
    """Of 64, 24 at a time: the last part is shorter."""
    for_all, in_parts = (
        train(
            [model(replace(RUN, sampled_together=together))],
            partial(measure_modes, pictures=64),
            stage=run_directly,
            share=1.0,
        )[0].measured
        for together in (None, 24)
    )
    for name, array in for_all.items():
        np.testing.assert_allclose(in_parts[name], array, rtol=1e-4, atol=1e-5, err_msg=name)


class Replaying:
    """A `RunStage` that computes once and gives the same arrays to whoever asks next."""

    def __init__(self):
        self.results = None

    def all(self, stages):
        self.results = self.results or run_directly.all(stages)
        return self.results


def test_a_checkpoint_of_more_runs_gives_each_its_own():
    """Of three runs that went through one stage, the middle one may be known by then."""
    runs, replaying = [model(name=f"model {seed}", seed=seed) for seed in range(3)], Replaying()
    three = train(runs, measure_modes, stage=replaying, share=1.0, together=True)
    two = train([runs[0], runs[2]], measure_modes, stage=replaying, share=1.0, together=True)
    for mine, expected in zip(two, (three[0], three[2]), strict=True):
        np.testing.assert_array_equal(mine.measured["generated"], expected.measured["generated"], strict=True)
    assert (three[1].measured["generated"] != three[2].measured["generated"]).any()


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


EXPONENTS = np.array([0.3, 0.6, 0.9])  # of three models


@pytest.mark.parametrize("branch", ["rising", "falling"])
def test_known_exponents_are_read_at_every_fraction(branch):
    reading = Reading(known(EXPONENTS))
    for fraction in (0.25, "geometric", 0.75):
        found = reading.exponents(branch, fraction)
        np.testing.assert_allclose(found.per_model, EXPONENTS, atol=2e-3)
        assert (found.r_squared > 0.9999).all()
    assert found.estimate.repetitions == 3
    np.testing.assert_allclose(found.estimate.value, 0.6, atol=2e-3)
    used = reading.clear() & reading.on(branch)
    np.testing.assert_array_equal(found.modes, used.sum(axis=1))
    rising = reading["variance"] >= 0.6
    np.testing.assert_array_equal(used, rising if branch == "rising" else reading["variance"] <= 0.15)


def test_the_harmonic_mean_moves_the_exponent():
    """The level 2vλ/(v + λ) tends to 2λ for λ ≪ v: the later in the way, the weaker the mode; ln 2 from its end."""
    found = Reading(known(EXPONENTS)).exponents("falling", "harmonic").per_model
    assert (found > EXPONENTS + 0.1).all()


def test_published_emergence_is_of_the_first_record_after_step_0():
    """With nothing learned by step 1 the definitions agree to the distance of records, where zones are the same."""
    reading = Reading(known(EXPONENTS))
    for branch in ("rising", "falling"):
        for zone in ("scalar", "mode"):
            found = reading.published_exponents(branch, smoothing=1.0, zone=zone)
            np.testing.assert_allclose(found.per_model, EXPONENTS, atol=0.015)
    # Modes that start where they end have nowhere to go; some are outside a zone about the mean of all starts.
    arrays = known(EXPONENTS)
    arrays["generated"] = np.where(reading["variance"][:, None] > 5, reading["variance"][:, None], arrays["generated"])
    moved = Reading(arrays)
    strong = moved["variance"] > 5
    assert not (moved.clear() & strong).any()
    assert outside_scalar_gray_zone(moved.initial, moved["variance"])[strong].any()


def test_models_with_too_few_modes_are_counted():
    arrays = known(EXPONENTS)
    arrays["generated"][1] = arrays["generated"][1, :1]  # this model learns nothing
    found = Reading(arrays).exponents("falling")
    assert found.undefined == 1
    assert found.defined
    np.testing.assert_allclose(found.estimate.value, 0.6, atol=2e-3)
    assert "1 of 3 models without" in words("falling", found)
    arrays["generated"][:2] = arrays["generated"][:2, :1]
    found = Reading(arrays).exponents("falling")
    assert not found.defined
    assert np.isnan(found.estimate.value)


def test_the_closed_form_has_the_exponents_of_its_threshold():
    """(1 - a)/2 at the geometric mean of modes far from the start, for uniform ln σ tilted by σ^-2a."""
    variance = np.geomspace(1e-2, 3e-4, 8)[None]
    initial = np.full_like(variance, 0.5)
    for tilt in (0.0, 0.5):
        network = replace(RUN, density="log-uniform", tilt=tilt)
        data = closed_form(variance, initial, network) | {"variance": variance, "solver": variance, "steps": STEPS}
        reading = Reading(data | {"generated": np.broadcast_to(initial[:, None], (1, len(STEPS), 8))})
        np.testing.assert_allclose(data["closed"][0, 0], 0.5, rtol=1e-3)
        np.testing.assert_allclose(data["closed"][0, -1], variance[0], rtol=0.02)
        slope = np.polyfit(np.log(variance[0]), np.log(reading.closed_form()[0]), 1)[0]
        np.testing.assert_allclose(-slope, (1 - tilt) / 2, atol=0.03)


def test_the_unit_of_the_closed_forms_time_is_read():
    arrays = known(EXPONENTS)
    arrays |= {"closed_times": np.broadcast_to(STEPS / 50, (3, len(STEPS))), "closed": arrays["generated"]}
    reading = Reading({f"some_{name}": array for name, array in arrays.items()}, "some")
    np.testing.assert_allclose(reading.steps_per_time(), 50.0, rtol=1e-12)
    trained, theory = reading.closed_form_exponents("rising")
    np.testing.assert_allclose(trained.per_model, theory.per_model, rtol=1e-9)
    assert "closed" in reading
    assert "pictures" not in reading
