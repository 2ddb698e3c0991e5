"""Distances and limits of the naive sampler's figure, on laws known exactly."""

import numpy as np

from figures.vastola2025.naive.statistics import distance_by_steps, extrapolated_gap, total_variation


def test_total_variation_of_samples_has_mean_zero_for_equal_laws_and_the_stated_error():
    """Sets of 500 paths in eight bins, 4000 times; the plug-in distance of the same sets is far from zero."""
    generator, law, half = np.random.default_rng(0), np.full(8, 1 / 8), 250
    first, second = (generator.multinomial(half, law, size=(4000, 2)) / half for _ in range(2))
    values = total_variation(first, second)
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(4000)
    data = {
        "paths": np.asarray(500),
        "sde_paths": np.asarray(500),
        "converging": np.asarray(0),
        "density_fokker_planck": law[None],
        "halves_naive_of_steps": first,
        "halves_sde_of_steps": second,
    }
    for pair in (("naive", "sde"), ("naive", "fokker_planck")):
        distances = distance_by_steps(data, *pair)
        # The variance of a mean of random signs over equal bins, 1 - Σp², stays below the bound by 1/8.
        np.testing.assert_allclose(distances.value.std() / distances.stderr[0], np.sqrt(7 / 8), rtol=0.05)
    plug_in = np.abs((first - second).mean(axis=1)).sum(axis=1) / 2
    normal = 8 / 2 * np.sqrt(2 / np.pi) * np.sqrt(2 * 7 / 64 / 500)  # ½ E|N(0, p(1-p)(1/n + 1/n))| in eight bins
    np.testing.assert_allclose(plug_in.mean(), normal, rtol=0.02)


def test_total_variation_of_laws_is_exact_and_from_samples_nearly():
    left, right = np.array([0.1, 0.4, 0.5, 0.0]), np.array([0.3, 0.3, 0.2, 0.2])
    assert np.isclose(total_variation(np.stack([left, left]), np.stack([right, right])), 0.4)
    generator = np.random.default_rng(1)
    samples = generator.multinomial(2000, left, size=(200, 2)) / 2000
    np.testing.assert_allclose(total_variation(samples, right[None, None]).mean(), 0.4, atol=3e-3)


def test_extrapolation_is_exact_for_the_polynomials_it_assumes():
    steps = np.array([10, 50, 100, 400])
    step = 1 / steps
    data = {"steps": steps, "paths": np.asarray(90), "sde_paths": np.asarray(40)}
    data |= {"gap_sde_stderr_of_steps": np.full(4, 0.1), "gap_naive_stderr_of_steps": np.full(4, 0.1)}
    data["gap_sde_of_steps"] = 0.3 - 2 * step + np.array([5, 0, 0, 0])
    data["gap_naive_of_steps"] = 0.3 - 2 * np.sqrt(step) + 7 * step + np.array([5, 0, 0, 0])
    sde, naive = extrapolated_gap(data, "sde", 1.0), extrapolated_gap(data, "naive", 0.5)
    np.testing.assert_allclose([sde.value, sde.stderr], [0.3, 0.1 * np.hypot(4, 1) / 3], rtol=1e-12)
    np.testing.assert_allclose(naive.value, 0.3, rtol=1e-12)
    assert (sde.repetitions, naive.repetitions) == (40, 90)
