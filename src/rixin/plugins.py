"""Loads a user's own function, named `module:callable`, from the folder of the scenario."""

import ast
import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rixin.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A loaded function with the hash of the source that can change what it does."""

    target: str
    call: Callable[..., object]
    source_hash: str


def load_plugin(target: str, folder: Path) -> Plugin:
    """The function that `module:callable` names.

    The folder is on the import path while the module is imported, and only then. Modules of the
    folder are read afresh, so an edited file counts at once.

    Args:
        target: `module:callable`, e.g. `my_solver:answer` or `package.module:Class.method`.
        folder: The folder of the scenario file.

    Raises:
        UsageError: The target is malformed or missing, or its module cannot be imported.
    """
    module_name, _, attribute = target.partition(":")
    if not is_target(target):
        raise UsageError(f"{target!r} does not name a function", hint="write it as module:callable")
    sources = local_sources(folder, module_name)
    found = _import(module_name, folder, sources)
    for part in attribute.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise UsageError(
            f"{module_name!r} has no function {attribute!r} (in {folder})",
            hint="check the part after the colon",
        )
    files = sources.values() or _installed_file(module_name)
    return Plugin(target=target, call=found, source_hash=hash_files(files))


def is_target(text: str) -> bool:
    """Whether a text names a function.

    Examples:
        >>> is_target("my_solver:answer"), is_target("python my_solver.py")
        (True, False)
    """
    module_name, _, attribute = text.partition(":")
    modules = all(re.fullmatch(r"[\w-]+", name) for name in module_name.split("."))
    return modules and all(name.isidentifier() for name in attribute.split("."))


def local_sources(folder: Path, module_name: str) -> Mapping[str, Path]:
    """The module and all modules of the folder that it imports, by name; none is executed."""
    found: dict[str, Path] = {}
    open_names = [module_name]
    while open_names:
        name = open_names.pop()
        path = _source_of(folder, name)
        if name in found or path is None:
            continue
        found[name] = path
        if "." in name:
            open_names.append(name.rpartition(".")[0])
        open_names += _imported_names(path, name)
    return found


def hash_files(paths: Iterable[Path]) -> str:
    """A hash of the contents of files, in the order of their names."""
    state = hashlib.sha256()
    for path in sorted(paths):
        state.update(hashlib.sha256(path.read_bytes()).digest())
    return state.hexdigest()[:32]


def _source_of(folder: Path, name: str) -> Path | None:
    base = folder.joinpath(*name.split("."))
    options = (base.with_name(f"{base.name}.py"), base / "__init__.py")
    return next((path for path in options if path.is_file()), None)


def _imported_names(path: Path, name: str) -> list[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return []  # the import that follows reports it with its line
    names: list[str] = []
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names += [base, *(f"{base}.{alias.name}".lstrip(".") for alias in node.names)]
    return [found for found in names if found]


def _import(module_name: str, folder: Path, local: Iterable[str]) -> object:
    try:
        with _import_path(folder, tuple(local)):
            return importlib.import_module(module_name)
    except Exception as error:
        raise UsageError(
            f"cannot import {module_name!r} from {folder}: {type(error).__name__}: {error}",
            hint="check the module's name, and that it imports without Rixin",
        ) from error


@contextmanager
def _import_path(folder: Path, local: tuple[str, ...]) -> Iterator[None]:
    """The folder first on the import path; modules of the same name elsewhere stay as they were."""
    others = {name: sys.modules.pop(name) for name in local if name in sys.modules}
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = writes_bytecode
        sys.modules.update(others)


def _installed_file(module_name: str) -> list[Path]:
    spec = importlib.util.find_spec(module_name)
    path = Path(spec.origin) if spec is not None and spec.origin else None
    return [path] if path is not None and path.is_file() else []
