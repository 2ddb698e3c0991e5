"""Any training, of many networks at once that share nothing but the data."""

import equinox as eqx
from jaxtyping import PRNGKeyArray, PyTree

from sims.training.state import AbstractTraining, TrainingState


class Members(AbstractTraining):
    """Steps of many networks, each what `training` does to it with a key of its own.

    All arrays of the state have a leading axis of members, those that the optimiser counts with too, so that members
    may differ in a learning rate that the optimiser's state holds (`optax.inject_hyperparams`).
    """

    training: AbstractTraining

    def init(self, network: PyTree, key: PRNGKeyArray | None = None) -> TrainingState:
        """Arrays of `network` and `key` have a leading axis of members. Raises ValueError as the training does."""
        return eqx.filter_vmap(self.training.init)(network, key)

    def step(self, state: TrainingState) -> TrainingState:
        return eqx.filter_vmap(self.training.step)(state)
