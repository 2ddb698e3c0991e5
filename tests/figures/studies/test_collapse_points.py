"""Points without equals, and parts of them."""

import jax
import numpy as np

from figures.studies.collapse_points import data_points, some_of

KEY = jax.random.key(1)


def test_points_of_every_name():
    shapes = {"digits": (1797, 64), "two moons": (50, 2), "photographs": (50, 64), "Gaussian 3": (50, 3)}
    for name, (most, dimension) in shapes.items():
        points = data_points(name, KEY, count=50, channels="grey")
        assert points.shape[1] == dimension
        assert most - 1 <= len(points) <= most
        assert len(np.unique(points, axis=0)) == len(points)
    spread = data_points("Gaussian 2", KEY, count=4000, variance=4.0).std()
    assert abs(spread - 2) < 0.1


def test_some_of_the_points():
    points = np.arange(20.0)[:, None]
    some = some_of(points, KEY, 7)
    assert len(np.unique(some)) == 7
    assert np.isin(some, points).all()
    assert not np.array_equal(some, some_of(points, jax.random.key(2), 7))
    assert len(some_of(points, KEY, 99)) == 20
