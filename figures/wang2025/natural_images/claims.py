"""What is claimed of the spectral law on photographs."""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.spectral_law_on_data.claims import experiment_claims


def claims(data: Arrays) -> list[Claim]:
    return experiment_claims(data, "photographs", headlines=True)
