from .derivation import Derivation as Derivation
from .derivation import Step as Step
from .table import ALL as ALL
from .table import NAMES as NAMES
from .table import get as get
