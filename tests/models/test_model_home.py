from pathlib import Path

import pytest

from rixin.models.home import cache_home

ADA = Path("/home/ada")


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({}, "linux", "/home/ada/.cache/rixin"),
        ({}, "darwin", "/home/ada/Library/Caches/rixin"),
        ({"XDG_CACHE_HOME": "/big/cache"}, "linux", "/big/cache/rixin"),
        ({"XDG_CACHE_HOME": "relative"}, "linux", "/home/ada/.cache/rixin"),
        ({"XDG_CACHE_HOME": "/big", "RIXIN_HOME": "/own"}, "darwin", "/own"),
        ({"RIXIN_HOME": ""}, "linux", "/home/ada/.cache/rixin"),
    ],
)
def test_the_cache_folder_follows_its_variables(
    environment: dict[str, str], platform: str, expected: str
) -> None:
    assert cache_home(environment, platform, ADA) == Path(expected)


def test_a_relative_home_starts_from_the_working_directory() -> None:
    assert cache_home({"RIXIN_HOME": "models"}, "linux", ADA) == Path.cwd() / "models"
