"""`rixin models`: local models without a hub."""

import click

from rixin.cli.options import echo, json_option, print_json


@click.group()
def models() -> None:
    """List, pull, verify and remove local models."""


@models.command("list")
@json_option
def list_models(as_json: bool) -> None:
    """Show the catalogue, and what is on this machine."""
    from rixin.models.store import ModelStore

    rows = []
    for status in ModelStore().list_models():
        known, here = status.catalog, status.installed
        rows.append(
            {
                "name": status.name,
                "state": "here" if here else "not pulled",
                "mb": round((here.size if here else known.size if known else 0) / 1e6),
                "licence": here.licence if here else known.licence if known else "",
                "path": str(here.path) if here else None,
                "sha256": here.sha256 if here else known.sha256 if known else None,
            }
        )
    if as_json:
        print_json(rows)
        return
    for row in rows:
        echo(
            f"{row['name']:<30} {row['state']:<11} {row['mb']:>6} MB  {row['licence']}"
            + (f"\n    {row['path']}" if row["path"] else "")
        )
    echo("\nget one:  rixin models pull NAME      your own: local: path/to/model.gguf")


@models.command()
@click.argument("name")
@click.option("--url", help="Fetch a GGUF from this address instead; needs --sha256.")
@click.option("--sha256", help="SHA-256 of that file.")
def pull(name: str, url: str | None, sha256: str | None) -> None:
    """Fetch a model: checked by its hash, resumable, with licence and origin."""
    from rixin.models.store import ModelStore

    if (url is None) != (sha256 is None):
        raise click.UsageError("--url and --sha256 go together")
    store = ModelStore()

    def say(line: str) -> None:
        echo(line, err=True)

    found = store.pull_url(url, sha256, name, say) if url and sha256 else store.pull(name, say)
    echo(f"{found.name}: {found.path}")
    echo(f"  licence {found.licence}; {found.origin}", err=True)


@models.command()
@click.argument("names", nargs=-1)
def verify(names: tuple[str, ...]) -> int:
    """Hash models again; without a name all that are here. Exit code 1: one is broken."""
    from rixin.models.store import ModelStore

    store = ModelStore()
    every = names or tuple(status.name for status in store.list_models() if status.installed)
    if not every:
        echo("no model is here yet; get one with: rixin models pull NAME")
    bad = 0
    for name in every:
        result = store.verify(name)
        bad += not result.ok
        told = "ok" if result.ok else f"BROKEN: {result.actual}, expected {result.expected}"
        echo(f"{result.name}: {told}")
    return 1 if bad else 0


@models.command()
@click.argument("name")
def remove(name: str) -> None:
    """Delete a model and what is left of its download."""
    from rixin.models.store import ModelStore

    freed = ModelStore().remove(name)
    echo(f"removed {name}: {freed / 1e6:.0f} MB are free again")
