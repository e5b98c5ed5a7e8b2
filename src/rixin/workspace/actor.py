"""Who works: the name that the audit trail gets."""

import os


def current_user() -> str:
    """The user of this process, or whom `RIXIN_ACTOR` names."""
    import getpass

    try:
        return os.environ.get("RIXIN_ACTOR") or getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"
