"""Every example in a docstring is run."""

import doctest
import importlib
import pkgutil

import pytest

import rixin

MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages(rixin.__path__, "rixin.")
    if not found.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name: str) -> None:
    module = importlib.import_module(name)
    found = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert found.failed == 0
