"""Where Rixin keeps what it fetched: the user's cache folder."""

from collections.abc import Mapping
from pathlib import Path


def cache_home(environment: Mapping[str, str], platform: str, user_home: Path) -> Path:
    """The folder of everything that Rixin fetched.

    `RIXIN_HOME` wins, then `XDG_CACHE_HOME`, then the platform's place for caches.

    Args:
        environment: The process environment.
        platform: As `sys.platform`.
        user_home: The user's home folder.

    Examples:
        >>> cache_home({}, "linux", Path("/home/ada")).as_posix()
        '/home/ada/.cache/rixin'
        >>> cache_home({"RIXIN_HOME": "/data/rixin"}, "linux", Path("/home/ada")).as_posix()
        '/data/rixin'

    References:
        XDG Base Directory Specification 0.8: relative paths in its variables are ignored.
    """
    own = environment.get("RIXIN_HOME", "")
    if own:
        return Path(own).expanduser().absolute()
    shared = Path(environment.get("XDG_CACHE_HOME", ""))
    if shared.is_absolute():
        return shared / "rixin"
    if platform == "darwin":
        return user_home / "Library" / "Caches" / "rixin"
    return user_home / ".cache" / "rixin"
