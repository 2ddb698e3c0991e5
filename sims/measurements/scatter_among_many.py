"""The scatter of `target_scatter` for as many points as fit into memory once, in single precision: by blocks.

Draws are few, but every exact score sums over all points. The odds of points come from distances that are summed in
double precision, in which those of near neighbours survive; means of points are products of matrices.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from sims.measurements.target_scatter import TargetScatter
from theory.definitions.checks import whole, whole_arguments

_BLOCK = 1 << 21  # draws times points that are held at a time
_MOST_DRAWS = 64  # that are held at a time
_NO_WEIGHT = 1e-12
_ROWS = 4096  # points that are read in double precision at a time


@whole_arguments("draws")
def target_scatter_among_many(
    points: Float[np.ndarray, "m dim"],
    noise_levels: Float[np.ndarray, " levels"],
    references: Sequence[int],
    *,
    draws: int,
    generator: np.random.Generator,
) -> TargetScatter:
    """σ² E|T - s|² of `target_scatter`, without replacement, and E tr Cov(x_0 | x)/σ²; see there.

    An average over `draws` of x_0, of references and of the noise and its opposite; all noise levels and numbers of
    references share them. Draws of x_0 are spread evenly over points by their distance from the origin.

    **Arguments:** `points`, about an origin among them, for their rounding to single precision; `references`, every n,
    with x_0 itself among them. **Raises** ValueError for no draws, and unless 1 ≤ n ≤ m.
    """
    counts = [whole("references", number) for number in references]
    if max(counts) > len(points):
        raise ValueError(f"references must be at most the number of points, {len(points)}; got {max(counts)}")
    points, levels = np.asarray(points, np.float32), np.asarray(noise_levels, dtype=float)
    squared = np.concatenate([np.sum(rows**2, axis=1) for rows in _in_double(points)])
    scatter, posterior = np.zeros((len(counts), levels.size)), np.zeros(levels.size)
    every = _drawn(squared, draws, generator)
    together = int(np.clip(_BLOCK // len(points), 1, _MOST_DRAWS))
    for first in range(0, draws, together):
        own = every[first : first + together]
        noise = generator.standard_normal((len(own), points.shape[1]), dtype=np.float32)
        distance, along = _geometry(points, squared, own, noise)
        steps, own_posterior = _exact(points, own, distance, along, levels)
        posterior += own_posterior
        for draw in range(len(own)):
            members = _members(generator, int(own[draw]), max(counts), len(points))
            away = points[members] - points[own[draw]]
            odds = _odds(distance[draw, members], along[draw, members], levels)
            for index, count in enumerate(counts):
                target = _softmax(odds[..., :count]).reshape(-1, count) @ away[:count]
                off = target.reshape(2, levels.size, -1) - steps[:, draw]
                scatter[index] += np.sum(off**2, axis=(0, 2), dtype=float) / levels**2
    return TargetScatter(scatter / (2 * draws), posterior / (2 * draws))  # pyright: ignore[reportArgumentType]


def _drawn(squared: Float[np.ndarray, " m"], draws: int, generator: np.random.Generator) -> Int[np.ndarray, " draws"]:
    """Each point is as likely as any other, but together they are near the origin and far from it as all are.

    How much the noise hides of a point depends on that above all.
    """
    places = (np.arange(draws) + generator.random()) * (len(squared) / draws)
    return np.argsort(squared, kind="stable")[places.astype(int)]


def _in_double(points: np.ndarray):
    for first in range(0, len(points), _ROWS):
        yield points[first : first + _ROWS].astype(float)


def _geometry(
    points: Float[np.ndarray, "m dim"],
    squared: Float[np.ndarray, " m"],
    own: Int[np.ndarray, " draws"],
    noise: Float[np.ndarray, "draws dim"],
) -> tuple[Float[np.ndarray, "draws m"], Float[np.ndarray, "draws m"]]:
    """|x_k - x_0|² and (x_k - x_0)·ε of every draw and point."""
    rows = np.concatenate([points[own], noise]).astype(float)
    products = np.concatenate([rows @ part.T for part in _in_double(points)], axis=1)
    distance, along = products[: len(own)], products[len(own) :]
    distance *= -2
    distance += squared
    distance += squared[own][:, None]
    np.maximum(distance, 0.0, out=distance)
    each = np.arange(len(own))
    distance[each, own] = 0.0
    along -= along[each, own][:, None]
    return distance.astype(np.float32), along.astype(np.float32)


def _exact(
    points: np.ndarray, own: np.ndarray, distance: np.ndarray, along: np.ndarray, levels: np.ndarray
) -> tuple[Float[np.ndarray, "2 draws levels dim"], Float[np.ndarray, " levels"]]:
    """E[x_0 | x] - x_0 for ±ε, and tr Cov(x_0 | x)/σ², summed over draws and signs."""
    steps = np.empty((2, len(own), levels.size, points.shape[1]), np.float32)
    posterior, each = np.empty(levels.size), np.arange(len(own))
    for place, level in enumerate(levels):
        weights = _softmax(np.stack([_odds_at(distance, sign * along, level) for sign in (1, -1)]))
        # Without x_0 itself: a step that is small beside the points has no rounding of theirs.
        weights[:, each, own] = 0.0
        mean = _means(weights.reshape(-1, len(points)), points).reshape(2, len(own), -1)
        steps[:, :, place] = mean - weights.sum(axis=-1, keepdims=True) * points[own]
        spread = np.einsum("sdk,dk->", weights, distance, dtype=float, casting="same_kind")
        posterior[place] = (spread - np.sum(steps[:, :, place] ** 2, dtype=float)) / level**2
    return steps, posterior


def _means(weights: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Product of both, without the points that have no weight in any row, where those are most: at little noise."""
    used = np.flatnonzero(weights.max(axis=0) > _NO_WEIGHT)
    return weights[:, used] @ points[used] if 2 * used.size < len(points) else weights @ points


def _odds_at(distance: np.ndarray, along: np.ndarray, level: float) -> np.ndarray:
    return along * np.float32(1 / level) - distance * np.float32(0.5 / level**2)


def _odds(distance: np.ndarray, along: np.ndarray, levels: np.ndarray) -> Float[np.ndarray, "2 levels n"]:
    return np.stack([[_odds_at(distance, sign * along, level) for level in levels] for sign in (1, -1)])


def _softmax(odds: np.ndarray) -> np.ndarray:
    """Along the last axis, in place where that is possible."""
    shares = np.exp(odds - odds.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return shares


def _members(generator: np.random.Generator, own: int, most: int, points: int) -> Int[np.ndarray, " most"]:
    """x_0, and others in a random order, none twice."""
    others = generator.choice(points - 1, most - 1, replace=False) if points > 1 else np.zeros(0, dtype=int)
    return np.concatenate([[own], others + (others >= own)])
