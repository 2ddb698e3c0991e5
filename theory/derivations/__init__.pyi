from .derivation import Derivation as Derivation, Step as Step
from .table import ALL as ALL, get as get
