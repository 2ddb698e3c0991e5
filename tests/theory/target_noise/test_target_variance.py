"""The variance of the stable target: enumerated from its definition, in limits, and as nats."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

from theory import EDM, FlowMatching, PointMasses, VariancePreserving, target_variance
from theory.target_noise.target_variance import reference_nats, reference_sets

RANDOM = np.random.default_rng(8)
POINTS = {dimension: RANDOM.normal(size=(4, dimension)) for dimension in (1, 2)}


def scatter(points, alpha, sigma, references, replace):
    """E |T - s|² from the definition: every x_0, every tuple of references beside it, and x on a grid."""
    count, dimension = points.shape
    grid = np.arange(-9 * sigma - 4, 9 * sigma + 4, min(sigma, 0.5) / 8)
    axes = np.stack(np.meshgrid(*[grid] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)
    cell = (grid[1] - grid[0]) ** dimension
    away = axes[:, None] - alpha * points[None]
    likelihood = np.exp(-np.sum(away**2, axis=-1) / (2 * sigma**2)) / (2 * np.pi * sigma**2) ** (dimension / 2)
    score = -(likelihood[..., None] * away).sum(axis=1) / likelihood.sum(axis=1)[:, None] / sigma**2
    others = {
        own: list(itertools.product(range(count), repeat=references - 1))
        if replace
        else list(itertools.permutations([k for k in range(count) if k != own], references - 1))
        for own in range(count)
    }
    total = 0.0
    for own, tuples in others.items():
        for beside in tuples:
            members = [own, *beside]
            weight = likelihood[:, members]
            target = -(weight[..., None] * away[:, members]).sum(axis=1) / weight.sum(axis=1)[:, None] / sigma**2
            squared = np.sum((target - score) ** 2, axis=1)
            total += cell * likelihood[:, own] @ squared / (count * len(tuples))
    return total


@pytest.mark.parametrize(
    ("dimension", "references", "replace"),
    [(1, 1, False), (1, 2, False), (1, 3, False), (1, 2, True), (1, 3, True), (2, 1, False), (2, 2, True)],
)
def test_variance_is_the_scatter_of_the_target_about_the_score(dimension, references, replace):
    process, time = VariancePreserving(), 0.4
    alpha, sigma = float(process.signal_scale(jnp.asarray(time))), float(process.noise_scale(jnp.asarray(time)))
    expected = scatter(POINTS[dimension], alpha, sigma, references, replace)
    found = target_variance(PointMasses(POINTS[dimension]), process, time, references, replace)
    np.testing.assert_allclose(found, expected, rtol=1e-8)


@pytest.mark.parametrize("sigma", [0.25, 0.546, 0.814, 1.0, 5.0])
def test_two_points(sigma):
    """σ²V = a² E sech²(a² + az), a = M/σ, by SciPy's adaptive rule; and two references with replacement halve it."""
    a = 1 / sigma

    def integrand(z):
        return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) / np.cosh(a**2 + a * z) ** 2

    expected = a**2 * integrate.quad(integrand, -12, 12, points=[-a], epsabs=1e-14, epsrel=1e-12, limit=400)[0]
    # In any space: noise at right angles tells nothing. Turned and moved.
    for points in ([[-1.0], [1.0]], [[3.0, 1.0, 0.0], [3.0, 1.0 + 2 * 0.6, 2 * 0.8]]):
        data, process = PointMasses(points), EDM()
        np.testing.assert_allclose(sigma**2 * target_variance(data, process, sigma), expected, rtol=1e-8)
        halved = target_variance(data, process, sigma, 2, replace=True)
        np.testing.assert_allclose(halved, target_variance(data, process, sigma) / 2, rtol=1e-8)


def test_three_points_in_many_dimensions_are_those_of_their_plane():
    plane = RANDOM.normal(size=(3, 2))
    turned = plane @ np.linalg.qr(RANDOM.normal(size=(7, 7)))[0][:2] + RANDOM.normal(size=7)
    levels = jnp.asarray([0.3, 1.0])
    for references in (1, 2):
        found = [target_variance(PointMasses(points), EDM(), levels, references) for points in (plane, turned)]
        np.testing.assert_allclose(*found, rtol=1e-8)


def test_limits_of_a_finite_set_without_replacement():
    """V_STF/V_DSM tends to (N - n)/(N - 1) for little noise and to (N - n)/(n (N - 1)) for much (this project)."""
    data, count = PointMasses(np.arange(6.0)[:, None]), 6
    little, much = jnp.asarray(0.15), jnp.asarray(1e3)
    for references in (2, 3, 5, 6):
        ratio = [
            target_variance(data, EDM(), level, references) / target_variance(data, EDM(), level)
            for level in (little, much)
        ]
        kept = (count - references) / (count - 1)
        np.testing.assert_allclose(ratio, [kept, kept / references], rtol=1e-3, atol=1e-12)


@pytest.mark.slow_cases("2-True", "3-True")
@pytest.mark.parametrize(("references", "replace"), [(1, False), (2, False), (5, False), (2, True), (3, True)])
def test_nats(references, replace):
    """∫σ V dσ by quadrature in ln σ, where it falls beyond all bounds on the left and as σ^-2 on the right."""
    points = np.array(
        [[-1.3], [-0.45], [0.2], [0.3], [1.9]]
    )  # none so near another that 1e-3 would not tell them apart
    count, logs = len(points), np.arange(np.log(1e-3), np.log(1e4), 0.05)
    variance = target_variance(PointMasses(points), EDM(), jnp.exp(jnp.asarray(logs)), references, replace)
    nats = 0.05 * np.sum(np.exp(2 * logs) * np.asarray(variance))
    np.testing.assert_allclose(nats, reference_nats(count, references, replace), atol=1e-6)
    if not replace:
        np.testing.assert_allclose(nats, math.log(count / references), atol=1e-6)


def test_nats_with_replacement_are_the_entropy_that_is_missing():
    for points, references in ((1, 3), (2, 2), (3, 4), (6, 3)):
        shares, probability = reference_sets(points, references, replace=True)
        entropy = -np.sum(np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1)), 0.0), axis=1)
        expected = np.log(points) - probability @ entropy
        np.testing.assert_allclose(reference_nats(points, references, replace=True), expected, atol=1e-13)
    np.testing.assert_allclose(reference_nats(60000, 64, replace=True), np.log(60000 / 64), atol=1e-3)


@pytest.mark.parametrize("replace", [False, True])
def test_sets_of_references(replace):
    """All tuples, as often as they come."""
    count, references = 4, 3
    tuples = itertools.product(range(count), repeat=references)
    kept = [each for each in tuples if replace or len(set(each)) == references]
    expected: dict[tuple, float] = {}
    for each in kept:
        share = tuple(np.bincount(each, minlength=count) / references)
        expected[share] = expected.get(share, 0.0) + 1 / len(kept)
    shares, probability = reference_sets(count, references, replace)
    found = {tuple(share): weight for share, weight in zip(shares, probability, strict=True)}
    assert found.keys() == expected.keys()
    np.testing.assert_allclose([found[share] for share in expected], list(expected.values()), rtol=1e-13)


def test_flow_matching_is_the_same_at_the_same_ratio():
    data, flow = PointMasses(POINTS[1]), FlowMatching()
    time = 0.3
    ratio = (1 - time) / time
    found = target_variance(data, flow, time, 2)
    np.testing.assert_allclose(found * (1 - time) ** 2, target_variance(data, EDM(), ratio, 2) * ratio**2, rtol=1e-12)


@pytest.mark.slow
def test_derivatives():
    """In the points, the noise level and both ways, against central differences."""

    def question(points, level):
        return target_variance(PointMasses(points), EDM(), level, 2)

    points, step = jnp.asarray(RANDOM.normal(size=(3, 5))), 1e-5
    direction = jnp.asarray(RANDOM.normal(size=(3, 5)))
    forward = jax.jvp(question, (points, 0.7), (direction, 1.0))[1]
    ends = [question(points + sign * step * direction, 0.7 + sign * step) for sign in (1, -1)]
    np.testing.assert_allclose(forward, (ends[0] - ends[1]) / (2 * step), rtol=1e-7)
    of_points, of_level = jax.grad(question, argnums=(0, 1))(points, 0.7)
    np.testing.assert_allclose(jnp.sum(of_points * direction) + of_level, forward, rtol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(
    "points", [[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 2.0, 0.5]], [[1.0, 0, 0], [2, 1, 0], [2, 1, 0]]]
)
def test_derivatives_where_points_coincide(points):
    """The variance is smooth there, though distances are not: against central differences in every coordinate."""
    points, step = jnp.asarray(points), 1e-4

    @jax.jit
    def question(points):
        return target_variance(PointMasses(points), EDM(), 0.7, 2)

    moves = step * jnp.eye(9).reshape(9, 3, 3)
    expected = jax.vmap(lambda move: (question(points + move) - question(points - move)) / (2 * step))(moves)
    for derivative in (jax.grad, jax.jacfwd):
        np.testing.assert_allclose(derivative(question)(points).ravel(), expected, atol=1e-7)


def test_lines_in_space_and_whole_numbers_as_floats():
    line = np.array([[0.0], [1.0], [3.0]])
    along = line @ np.array([[1.0, 2.0, 2.0]]) / 3 + 5.0
    found = [target_variance(PointMasses(points), EDM(), 0.8, 2.0) for points in (line, along)]
    np.testing.assert_allclose(*found, rtol=1e-8)
    np.testing.assert_allclose(reference_nats(5, 2.0, True), reference_nats(5, 2, True))


REFUSED = {
    "more references than points": ((POINTS[1], 1.0, 5), "at most the number of points, 4, unless replace; got 5"),
    "no reference": ((POINTS[1], 1.0, 0), "references must be a whole number of 1 or more; got 0"),
    "half a reference": ((POINTS[1], 1.0, 1.5), "references must be a whole number"),
    "no noise": ((POINTS[1], 0.0), "must leave noise in x_t"),
    "a solid": ((RANDOM.normal(size=(4, 3)), 1.0), "one or two coordinates, or three points at most; got 4 points"),
    "too many sets": ((RANDOM.normal(size=(40, 1)), 1.0, 20), "sets of references must be at most 50000"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    (points, level, *references), sentence = REFUSED[name]
    with pytest.raises(ValueError, match=sentence):
        target_variance(PointMasses(points), EDM(), level, *references)
