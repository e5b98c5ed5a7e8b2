"""`rixin serve`."""

import os
from pathlib import Path
from typing import Any

import click

from rixin.cli.options import echo, ledger_option

_SHORTEST_KEY = 16


@click.command()
@click.option(
    "--host", envvar="RIXIN_HOST", show_envvar=True, default="127.0.0.1", show_default=True
)
@click.option(
    "--port",
    envvar="RIXIN_PORT",
    show_envvar=True,
    default=8200,
    show_default=True,
    type=click.IntRange(0, 65_535),
)
@click.option(
    "--workers",
    envvar="RIXIN_WORKERS",
    show_envvar=True,
    default=1,
    show_default=True,
    type=click.IntRange(1, 32),
    help="Processes; one for each core is a good number.",
)
@click.option(
    "--max-body",
    default=10 << 20,
    type=click.IntRange(1),
    metavar="BYTES",
    help="Size of a request at most. [default: 10 MiB]",
)
@click.option(
    "--max-bodies",
    default=256 << 20,
    type=click.IntRange(1),
    metavar="BYTES",
    help="Size of all requests together that a worker holds at a time. [default: 256 MiB]",
)
@click.option(
    "--max-connections",
    default=10_000,
    show_default=True,
    type=click.IntRange(1),
    help="Open connections of a worker at most; fewer where the system allows fewer files.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="A name by which callers may ask for this gateway, beside localhost and --host.",
)
@click.option(
    "--metrics-key",
    envvar="RIXIN_METRICS_KEY",
    show_envvar=True,
    default="",
    metavar="KEY",
    help="What /metrics asks for, as a bearer. Without it the counters are told on this machine, and"
    " elsewhere to keys with the role admin or auditor.",
)
@click.option(
    "--capture-bound",
    default=100,
    show_default=True,
    type=click.IntRange(10, 10_000),
    metavar="MS",
    help="Milliseconds after which an answer's row is on the disk.",
)
@click.option(
    "--when-full",
    default="refuse",
    show_default=True,
    type=click.Choice(["refuse", "drop"]),
    help="When the disk takes no more rows: refuse requests, or lose rows and count them.",
)
@click.option(
    "--log",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: a line for each request, without what was said.",
)
@click.option(
    "--alias",
    "aliases",
    multiple=True,
    metavar="NAME=MODEL",
    help="A name that applications have, and what it means: gpt-4o=scenario/desk.",
)
@click.option(
    "--second",
    is_flag=True,
    help="Serve although another gateway serves this ledger: each counts budgets for itself.",
)
@click.option(
    "--workspace",
    "workspaces",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="DIR",
    help="A folder whose scenarios are served, too, out of its own ledger; may be repeated.",
)
@click.option(
    "--webhook",
    envvar="RIXIN_WEBHOOK",
    show_envvar=True,
    default="",
    metavar="URL",
    help="Where to tell that people answered a case, signed with RIXIN_WEBHOOK_SECRET.",
)
@ledger_option
def serve(
    *,
    host: str,
    port: int,
    workers: int,
    max_body: int,
    max_bodies: int,
    max_connections: int,
    allowed_hosts: tuple[str, ...],
    metrics_key: str,
    capture_bound: int,
    when_full: str,
    log: str,
    aliases: tuple[str, ...],
    second: bool,
    workspaces: tuple[Path, ...],
    webhook: str,
    ledger: Path | None,
) -> int:
    """Serve the releases that were promoted, behind OpenAI's API.

    An application changes its base URL to http://HOST:PORT/v1 and its key to one of rixin keys;
    its model is scenario/NAME, scenario/NAME@7, or solver/NAME for an endpoint of a contract.
    """
    from rixin.errors import MissingExtra, NoLedger

    try:
        from rixin.serve.app import Settings
        from rixin.serve.bounds import Bounds
        from rixin.serve.workers import serve as run
    except ModuleNotFoundError as error:
        raise MissingExtra("rixin serve", "serve") from error
    _set_up_logs(as_json=log == "json")
    place = ledger or Path(".rixin") / "ledger.sqlite3"
    sources = _follow(workspaces, place)
    if not place.exists():
        raise NoLedger(place)
    settings = Settings(
        ledger=place,
        host=host,
        port=port,
        workers=workers,
        bounds=Bounds(body_bytes=max_body, bodies_bytes=max_bodies, connections=max_connections),
        allowed_hosts=allowed_hosts,
        metrics_key=_long_enough(metrics_key),
        capture_bound_s=capture_bound / 1_000,
        capture_policy="drop" if when_full == "drop" else "refuse",
        aliases=dict(_alias(one) for one in aliases),
        second=second,
        workspaces=sources,
        **_webhook(webhook),
    )
    if log == "json":
        return run(settings, say=_say_in_the_log)
    return run(settings, say=lambda line: echo(line, err=True))


def _say_in_the_log(line: str) -> None:
    """Whoever reads the log as JSON gets nothing else."""
    import logging

    logging.getLogger("rixin.serve").info("%s", line)


def _set_up_logs(*, as_json: bool) -> None:
    import logging

    from rixin.serve.telemetry import JsonLines, TextLines

    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if as_json else TextLines("%(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if not as_json:
        return
    for name in ("rixin.requests", "rixin.serve"):
        logging.getLogger(name).setLevel(logging.INFO)


def _follow(workspaces: tuple[Path, ...], place: Path) -> tuple[Path, ...]:
    """The ledgers of other folders; what serves there is in the gateway's when this returns."""
    from rixin.ledger.store import Ledger
    from rixin.workspace.mirroring import Mirror, ledger_in

    found = tuple(ledger_in(one) for one in workspaces)
    if found:
        with Ledger(place) as ledger:
            for one in found:
                Mirror(one).look(ledger)
    return found


def _webhook(url: str) -> dict[str, Any]:
    from rixin.serve.webhook import SECRET, check_address, read_secret

    if not url:
        return {}
    secret = read_secret(os.environ.get(SECRET, ""))
    return {"webhook": check_address(url), "webhook_secret": secret}


def _long_enough(key: str) -> str:
    if key and len(key) < _SHORTEST_KEY:
        raise click.BadParameter(
            f"it can be guessed: take {_SHORTEST_KEY} characters or more",
            param_hint="--metrics-key",
        )
    return key


def _alias(text: str) -> tuple[str, str]:
    name, _, model = text.partition("=")
    if not name or not model.startswith(("scenario/", "solver/")):
        raise click.BadParameter(
            f"{text!r} is none: write it as NAME=scenario/DESK or NAME=solver/STRONG",
            param_hint="--alias",
        )
    return name, model
