"""What decoders raise and warn of, turned into sentences."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image


@contextmanager
def decoding(path: Path | str, kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises into a sentence; fed with corrupt bytes it may raise almost anything.

    A ValueError that names the path passes, as do what the system refuses and a lack of memory. Warnings of decoders
    are about what the samples do not depend on (broken metadata, say), and are not shown.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        raise ValueError(f"{path} has too many pixels ({error}); expected small images") from error
    except Exception as error:
        known = isinstance(error, ValueError) and str(error).startswith(str(path))
        refused = isinstance(error, OSError) and error.errno is not None and error.filename is not None
        if known or refused:
            raise
        raise ValueError(f"{path} is truncated or corrupt; expected a whole {kind}") from error
