"""The figure of schedules: users' data, and KL between second moments."""

import dataclasses

import jax
import numpy as np
import pytest

from figures.common.stages import run_directly
from figures.schedules.optimal import experiment
from figures.schedules.optimal.plots import advise


def test_divergence_of_second_moments():
    """Against the formula with inverse and determinant; zero for samples of the same moments."""
    generator = np.random.default_rng(0)
    factor, samples = generator.normal(size=(3, 3)), generator.normal(size=(50, 3))
    moments, generated = samples.T @ samples / 50, factor @ factor.T
    trace = np.trace(np.linalg.solve(moments, generated))
    determinants = np.linalg.slogdet(generated)[1] - np.linalg.slogdet(moments)[1]
    found = experiment._gaussian_divergence(factor, samples)
    np.testing.assert_allclose(found, (trace - 3 - determinants) / 2, rtol=1e-10)
    np.testing.assert_allclose(experiment._gaussian_divergence(np.linalg.cholesky(moments), samples), 0, atol=1e-12)


def test_all_schedules_begin_at_the_same_level():
    for levels in experiment.common_schedules(5):
        np.testing.assert_allclose(levels[0], 80, rtol=1e-6)
        assert levels.shape == (6,)
        assert levels[-1] == 0


def test_too_few_samples_are_refused(tmp_path):
    path = tmp_path / "few.npy"
    np.save(path, np.random.default_rng(0).normal(size=(3, 2)))
    config = dataclasses.replace(experiment.PRESETS["tiny"], data=str(path))
    with pytest.raises(ValueError, match="has 3 samples; expected 4 at least, half of them to be held back"):
        experiment.check(config)


@pytest.mark.slow
def test_the_users_spectrum_takes_the_place_of_photographs(tmp_path):
    """In units of the data, whose variances are known; a constant direction and a copy of another are no modes."""
    samples = np.random.default_rng(0).normal(size=(400, 4)) * [6.0, 2.0, 0.0, 2.0]
    samples[:, 3] = samples[:, 0]
    path = tmp_path / "mine.npy"
    np.save(path, samples)
    config = dataclasses.replace(experiment.PRESETS["tiny"], data=str(path))
    assert experiment.prepare(config) > 0
    arrays = experiment.compute(config, key=jax.random.key(0), stage=run_directly)
    assert bool(arrays["users"])
    expected = np.linalg.eigvalsh(np.cov(samples.T, bias=True))[::-1][:2]
    np.testing.assert_allclose(arrays["variance"][1] * float(arrays["unit"]) ** 2, expected, rtol=1e-4)
    assert "3 steps" in advise(arrays)
    assert "your data" in advise(arrays)
