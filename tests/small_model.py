"""The small local model, where `make test` or `rixin models pull` put it."""

from pathlib import Path

import pytest

from rixin.models.store import ModelStore

NAME = "smollm2-135m-instruct"


def small_model() -> Path:
    """Its file; the test is skipped where it is not on this machine."""
    pytest.importorskip("xllamacpp", reason="needs the extra rixin[local]")
    installed = ModelStore().installed(NAME)
    if installed is None:
        pytest.skip(f"needs the small model: rixin models pull {NAME}")
    return installed.path
