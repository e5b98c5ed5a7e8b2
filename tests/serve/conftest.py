"""One gateway for all tests that leave it as it was."""

import pytest

from serve.house import served


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    with served(tmp_path_factory.mktemp("house")) as one:
        yield one
