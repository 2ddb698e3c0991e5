"""Moments that are gathered in blocks and groups are NumPy's; copies among many are those among few."""

import numpy as np
import pytest

from sims.measurements.alignment import alignment_of_samples
from sims.measurements.memorisation import memorised, memorised_among_many
from sims.measurements.mode_moments import mode_moments

RANDOM = np.random.default_rng(0)
SAMPLES = 50 + RANDOM.normal(size=(23, 5)) @ RANDOM.normal(size=(5, 5))
BASIS = np.linalg.qr(RANDOM.normal(size=(5, 5)))[0][:, :4]
MEAN = np.full(5, 49.0)


@pytest.mark.parametrize("sizes", [(23,), (1, 2, 20), (11, 12)])
def test_moments_are_numpys_whatever_the_blocks_with_every_group_left_out(sizes):
    moments = mode_moments(np.split(SAMPLES, np.cumsum(sizes)[:-1]), MEAN, BASIS, groups=3, leading=2)
    for without in (None, 0, 1, 2):
        kept = SAMPLES[np.arange(23) % 3 != without] @ BASIS
        np.testing.assert_allclose(moments.variance(without), kept.var(axis=0, ddof=1), rtol=1e-10)
        np.testing.assert_allclose(moments.covariance(without), np.cov(kept[:, :2].T), rtol=1e-10)
        assert moments.count(without) == len(kept)


def test_more_leading_modes_than_there_are_is_all_of_them():
    assert mode_moments([SAMPLES], MEAN, BASIS, groups=1, leading=99).covariance().shape == (4, 4)


@pytest.mark.parametrize("count", [50, 20_000])
def test_samples_that_are_all_equal_have_no_variance_and_no_alignment(count):
    random = np.random.default_rng(1)
    basis = np.linalg.qr(random.normal(size=(8, 8)))[0]
    moments = mode_moments(
        [np.full((1, 8), 0.3)] * 7 + [np.full((count, 8), 0.3)], random.normal(size=8), basis, groups=5, leading=8
    )
    for without in (None, 2):
        assert not moments.variance(without).any()
        assert np.isnan(alignment_of_samples(moments.covariance(without), moments.count(without)))


def test_a_mode_that_varies_little_about_a_far_mean_keeps_its_variance():
    """And a run that diverged is not taken for one without variance."""
    samples = np.stack([3 + 1e-5 * RANDOM.normal(size=400), np.full(400, 2.0)], axis=1)
    moments = mode_moments([samples], np.zeros(2), np.eye(2), groups=2, leading=2)
    np.testing.assert_allclose(moments.variance(), samples.var(axis=0, ddof=1), rtol=1e-3)
    np.testing.assert_array_equal(moments.covariance()[1], 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        assert not np.isfinite(mode_moments([1e200 * SAMPLES], MEAN, BASIS, groups=1, leading=2).variance()).any()


def test_samples_that_have_no_moments_in_the_modes_are_refused():
    with pytest.raises(ValueError, match="groups must be a whole number of 1 or more; got 0"):
        mode_moments([SAMPLES], MEAN, BASIS, groups=0, leading=2)
    with pytest.raises(ValueError, match=r"samples must have 5 coordinates, as the mean; got shape \(23, 1\)"):
        mode_moments([SAMPLES[:, :1]], MEAN, BASIS, groups=1, leading=2)
    with pytest.raises(ValueError, match="5 of 115 that are NaN"):
        mode_moments([np.where(np.arange(23)[:, None] == 3, np.nan, SAMPLES)], MEAN, BASIS, groups=1, leading=2)


@pytest.mark.parametrize("block", [1, 1 << 26])
def test_copies_among_many_are_those_among_few(monkeypatch, block):
    """Of single precision, far from the origin; a third are near copies, one is exact."""
    points = (100 + RANDOM.normal(size=(60, 3))).astype(np.float32)
    near = points[:20] + np.float32(0.05) * RANDOM.normal(size=(20, 3)).astype(np.float32)
    samples = np.concatenate([near, points[:1], (100 + RANDOM.normal(size=(40, 3))).astype(np.float32)])
    expected = memorised(samples.astype(float), points.astype(float))
    monkeypatch.setattr("sims.measurements.memorisation._BLOCK_BYTES", block)
    np.testing.assert_array_equal(memorised_among_many(samples, points), expected)
    assert 0.2 < expected.mean() < 0.7
    assert expected[20]


def test_points_are_judged_by_the_other_points():
    points = np.concatenate([RANDOM.normal(size=(30, 4)), [[9.0] * 4, [9.01] * 4]])
    alone = [memorised(points[i : i + 1], np.delete(points, i, axis=0))[0] for i in range(32)]
    np.testing.assert_array_equal(memorised_among_many(points, points, are_points=True), alone)
    assert alone[-1]  # data that lie in pairs pass for copies
    np.testing.assert_array_equal(memorised_among_many(points[5:9], points, are_points=True), alone[5:9])
    with pytest.raises(ValueError, match="two nearest ones; got 1"):
        memorised_among_many(points[:2], points[:2], are_points=True)
    with pytest.raises(ValueError, match="the points' dimension"):
        memorised_among_many(points[:, :1], points)
    with pytest.raises(ValueError, match="that are NaN"):
        memorised_among_many(points, np.full_like(points, np.nan))


def test_copies_among_many_have_no_unit_and_samples_are_rows():
    points = RANDOM.normal(size=(30, 4)).astype(np.float32)
    samples = np.concatenate([points[:5] + np.float32(0.01), RANDOM.normal(size=(20, 4)).astype(np.float32)])
    expected = memorised_among_many(samples, points)
    assert 5 <= expected.sum() < 25
    for unit in (np.float32(2.0**-80), np.float32(2.0**80)):
        np.testing.assert_array_equal(memorised_among_many(samples * unit, points * unit), expected)
    for shape in ((0, 4), (2, 3, 4)):
        with pytest.raises(ValueError, match="samples must be one or more rows"):
            memorised_among_many(np.ones(shape), points)
