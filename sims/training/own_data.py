"""Networks that are trained together, each on data of its own."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from sims.training.edm import EDMTraining
from sims.training.state import AbstractTraining, TrainingState
from theory.definitions.checks import whole_arguments


class OwnData(AbstractTraining):
    """Steps of many networks, each what `training` does to it with data and a key of its own.

    `data` (members, m, dim) take the place of the training's. Fewer points than m are laid end to end until there are m
    of them: drawn with replacement, they are the same data, and one compiled program serves sets of several sizes. All
    arrays of the state have a leading axis of members.
    """

    training: EDMTraining
    data: Float[Array, "members m dim"]

    def init(self, network: Any, key: PRNGKeyArray | None = None) -> TrainingState:
        """Arrays of `network` and `key` have a leading axis of members. Raises ValueError as the training does."""
        return eqx.filter_vmap(self.training.init)(network, key)

    def step(self, state: TrainingState) -> TrainingState:
        def of_member(data: Float[Array, "m dim"], state: TrainingState) -> TrainingState:
            return eqx.tree_at(lambda training: training.data, self.training, data).step(state)

        return eqx.filter_vmap(of_member)(self.data, state)


@whole_arguments("count")
def repeated(points: Float[Array, "n dim"], count: int) -> Float[Array, "count dim"]:
    """`count` rows that hold every point equally often. Raises ValueError unless n divides `count`, 1, 2, …."""
    if len(points) == 0 or count % len(points):
        raise ValueError(f"the number of points must divide {count}; got {len(points)}")
    return jnp.tile(points, (count // len(points), 1))
