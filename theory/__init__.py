"""Closed forms for the learning dynamics of diffusion models: pure mathematics in JAX, no training, no plotting.

The public names and the modules that define them stand in `__init__.pyi`; each is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
