"""What a denoiser is trained for: the target it regresses on, the weight of each noise level, its preconditioning.

To add a target, weight or preconditioning, subclass the abstract class of the same name: the regression, every
parametrisation and the oracles work on it unchanged.
"""

import equinox as eqx

from theory.definitions.preconditionings import AbstractPreconditioning, NoPreconditioning
from theory.definitions.processes import AbstractProcess
from theory.definitions.targets import AbstractTarget, DenoiserTarget
from theory.definitions.weights import AbstractWeight, UniformWeight


class Objective(eqx.Module):
    """A target, its weight and the network's preconditioning: all that training needs to know beside the data.

    The defaults are denoised data, uniform weight and no preconditioning.
    """

    target: AbstractTarget = DenoiserTarget()
    weight: AbstractWeight = UniformWeight()
    preconditioning: AbstractPreconditioning = NoPreconditioning()


def native_objective(process: AbstractProcess) -> Objective:
    """Uniform weight on the target each process is usually trained on: velocity for flow matching, else the data."""
    return Objective(process.native_target())
