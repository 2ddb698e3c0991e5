"""The propositions behind the package, proved step by step in SymPy: one file each, listed in `table`.

`python -m theory.derivations` checks all of them, `python -m theory.derivations NAME` prints one.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
