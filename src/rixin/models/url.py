"""One large file over HTTP, with its hash known beforehand; goes on where it stopped."""

import http.client
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit, urlunsplit

from rixin.errors import ModelFault, UsageError
from rixin.models.files import CHUNK, Progress, megabytes, require_space, sha256_file

TRIES = 4
TIMEOUT_S = 30.0
TICK_S = 5.0
_DROPPED = (urllib.error.URLError, ConnectionError, TimeoutError, http.client.HTTPException)


def download(url: str, sha256: str, partial: Path, progress: Progress) -> None:
    """Fetches a URL into `partial`, appending to what is there, until its hash is right.

    Args:
        url: An `http` or `https` address.
        sha256: Of the whole file, in hex.
        partial: The file; after a fault it stays, so that the next call goes on from there.
        progress: Gets a line every few seconds and one for each new try.

    Raises:
        UsageError: The address is not an HTTP one.
        ModelFault: The server refuses, cannot be reached, or serves another file.
        OSError: `partial` cannot be written.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise UsageError(f"not an HTTP address: {url!r}", hint="use https://…/model.gguf")
    partial.parent.mkdir(parents=True, exist_ok=True)
    for left in reversed(range(TRIES)):
        try:
            _go_on(url, partial, progress)
            break
        except _DROPPED as fault:
            _give_up_or_wait(url, fault, left, progress)
    if sha256_file(partial) != sha256:
        partial.unlink()
        raise ModelFault(
            f"{shown(url)} has another SHA-256 than {sha256[:12]}…: it was not used",
            hint="check the address and the hash; the file may have changed",
        )


def shown(url: str) -> str:
    """An address without what may be secret in it: user, password and query.

    Examples:
        >>> shown("https://me:key@hub.example/m.gguf?token=x")
        'https://hub.example/m.gguf'
    """
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _go_on(url: str, partial: Path, progress: Progress) -> None:
    """One request for what is still missing."""
    offset = partial.stat().st_size if partial.exists() else 0
    opener = urllib.request.build_opener()
    opener.addheaders = [("User-Agent", "rixin"), ("Range", f"bytes={offset}-")]
    try:
        reply = opener.open(url, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as fault:
        with fault:
            if fault.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and offset:
                return  # nothing is missing: the hash will tell
            raise
    with reply:
        resumed = reply.headers.get("Content-Range", "").startswith(f"bytes {offset}-")
        missing = int(reply.headers.get("Content-Length", 0))
        require_space(partial.parent, missing)
        begin = offset if resumed else 0
        with partial.open("ab" if resumed else "wb") as out:
            _copy(reply, out, begin, missing, progress)


def _copy(
    reply: http.client.HTTPResponse, out: BinaryIO, begin: int, missing: int, progress: Progress
) -> None:
    started = said = time.monotonic()
    got = 0
    while chunk := reply.read(CHUNK):
        out.write(chunk)
        got += len(chunk)
        now = time.monotonic()
        if now - said >= TICK_S:
            said = now
            rate = megabytes(got / (now - started))
            progress(f"{megabytes(begin + got)} of {megabytes(begin + missing)}, {rate}/s")
    out.flush()
    os.fsync(out.fileno())
    if got < missing:
        raise ConnectionError(f"the connection closed after {got} of {missing} bytes")


def _give_up_or_wait(url: str, fault: Exception, left: int, progress: Progress) -> None:
    status = fault.code if isinstance(fault, urllib.error.HTTPError) else None
    if status is not None and status < 500 and status != http.client.TOO_MANY_REQUESTS:
        raise ModelFault(
            f"{shown(url)} answers {fault}", hint="check the address and that it needs no login"
        ) from fault
    if not left:
        raise ModelFault(
            f"{shown(url)} cannot be fetched: {fault}",
            hint="check the network and run it again; what was fetched is kept",
        ) from fault
    progress(f"{fault}; trying again, {left} {'tries' if left > 1 else 'try'} left")
    time.sleep(0.5 * (TRIES - left))
