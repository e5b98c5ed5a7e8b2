"""A GGUF file's identity, without reading all of it."""

import hashlib
from pathlib import Path

from rixin.errors import ModelFault

_MAGIC = b"GGUF"
_EDGE = 1 << 20
_SAMPLE = 1 << 14
_SAMPLES = 64


def weights_digest(path: Path) -> str:
    """A hash of a file's size, its first and last megabyte, and 64 samples in between.

    Reads some three megabytes of a file that may have gigabytes; models that differ, differ in
    their tensors everywhere.

    Args:
        path: A GGUF file.

    Raises:
        ModelFault: It cannot be read, or is of another kind.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_EDGE)
            size = file.seek(0, 2)
            state = hashlib.sha256(f"{size} ".encode() + start)
            for number in range(_SAMPLES):
                file.seek(size * number // _SAMPLES)
                state.update(file.read(_SAMPLE))
            file.seek(max(0, size - _EDGE))
            state.update(file.read())
    except OSError as error:
        raise ModelFault(
            f"cannot read the model {str(path)!r}: {error.strerror or error}",
            hint="check the path, or get a model: rixin models pull NAME",
        ) from error
    if not start.startswith(_MAGIC):
        raise ModelFault(
            f"{str(path)!r} is not a GGUF model",
            hint="a local model is one .gguf file; rixin models list shows what can be pulled",
        )
    return state.hexdigest()[:32]
