"""What all connections of a worker together may hold: places, half heads, bodies, unsent answers.

Whoever has no key is bounded by eviction, so that strangers who hold on to something never keep
others out; whoever has one is told to come back.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from itertools import islice
from typing import Generic, Protocol, TypeVar

_LOOK_AT = 32
"""Connections looked at for one that may go, so that a full house costs each newcomer the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The bounds of one worker."""

    body_bytes: int = 10 << 20
    """One body."""
    bodies_bytes: int = 256 << 20
    """All bodies that are held at a time."""
    connections: int = 10_000
    """Open connections."""
    held_bytes: int = 32 << 20
    """Half heads, requests that wait for their turn and unsent answers, of callers without a key."""
    keyed_bytes: int = 256 << 20
    """The same of callers with a key."""


class Holder(Protocol):
    """A connection, as the bounds see it."""

    address: str

    @property
    def is_answering(self) -> bool:
        """Whether an answer is under way on it."""

    def abort(self) -> None:
        """Ends it at once."""


H = TypeVar("H", bound=Holder)


class Held(Generic[H]):
    """Bytes that connections hold; beyond the bound whoever has held for the longest is cut.

    Args:
        most: Bytes of all together.

    Examples:
        >>> class Caller:
        ...     address, is_answering, cut = "192.0.2.1", False, False
        ...     def abort(self): self.cut = True
        >>> first, second, held = Caller(), Caller(), Held(100)
        >>> held.note(first, 60); held.note(second, 60)
        >>> first.cut, second.cut, held.total
        (True, False, 60)
    """

    def __init__(self, most: int) -> None:
        self.total = 0
        self._most = most
        self._sizes: dict[H, int] = {}

    def note(self, holder: H, size: int) -> None:
        """It holds this many bytes now."""
        sizes = self._sizes
        self.total += size - sizes.get(holder, 0)
        if size:
            sizes[holder] = size  # its place in the order stays
        else:
            sizes.pop(holder, None)
        while self.total > self._most:
            longest = next(iter(sizes))
            self.total -= sizes.pop(longest)
            longest.abort()


class Crowd(Generic[H]):
    """All open connections, by the network that they come from.

    When there is no place left, the network with the most connections gives one up for the
    newcomer: an own one, where it is the newcomer's. Connections that are answered stay.

    Args:
        most: Connections at a time.

    Examples:
        >>> class Caller:
        ...     is_answering, gone = False, False
        ...     def __init__(self, address): self.address = address
        ...     def abort(self): self.gone = True
        >>> crowd = Crowd(3)
        >>> greedy = [Caller("192.0.2.1"), Caller("192.0.2.1"), Caller("192.0.2.1")]
        >>> [crowd.add(one) for one in [*greedy, Caller("192.0.2.9")]]
        [True, True, True, True]
        >>> [one.gone for one in greedy]
        [True, False, False]
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._networks: dict[str, dict[H, None]] = {}
        self._by_count: dict[int, dict[str, None]] = {}
        """Number of connections → networks that have as many."""
        self._largest = self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[H]:
        return iter([one for members in self._networks.values() for one in members])

    def add(self, newcomer: H) -> bool:
        """Takes a newcomer in; False: all places are taken by those that are being answered."""
        if self._count >= self.most and not self._make_room():
            return False
        network = network_of(newcomer.address)
        members = self._networks.setdefault(network, {})
        members[newcomer] = None
        self._count += 1
        self._moved(network, len(members) - 1, len(members))
        return True

    def remove(self, holder: H) -> None:
        """It has gone; nothing where it is not there."""
        network = network_of(holder.address)
        members = self._networks.get(network)
        if members is None or holder not in members:
            return
        del members[holder]
        self._count -= 1
        self._moved(network, len(members) + 1, len(members))
        if not members:
            del self._networks[network]

    def _make_room(self) -> bool:
        members = self._networks[next(iter(self._by_count[self._largest]))]
        for holder in [*islice(members, _LOOK_AT)]:
            if not holder.is_answering:
                self.remove(holder)
                holder.abort()
                return True
            members[holder] = members.pop(holder)  # so that the next newcomer looks at others
        return False

    def _moved(self, network: str, before: int, now: int) -> None:
        alike = self._by_count.get(before)
        if alike is not None:
            del alike[network]
            if not alike:
                del self._by_count[before]
        if now:
            self._by_count.setdefault(now, {})[network] = None
        if now > self._largest or (before == self._largest and not alike):
            self._largest = now


def network_of(address: str) -> str:
    """What counts as one caller: an IPv4 address, or the first 64 bits of an IPv6 address.

    Examples:
        >>> network_of("192.0.2.1"), network_of("2001:db8::1") == network_of("2001:db8::2")
        ('192.0.2.1', True)
    """
    if ":" not in address:
        return address
    return IPv6Address(address.partition("%")[0]).packed[:8].hex()


class Hosts:
    """The names by which a gateway may be asked for.

    A page in a browser may have its own name point to this machine (DNS rebinding) and then read
    what is told without a key. It cannot do so with an address, nor with a name that it does not own.

    Args:
        names: Names beside addresses; None: any.

    Examples:
        >>> hosts = Hosts({"localhost"})
        >>> [host in hosts for host in (b"localhost:8200", b"[::1]:8200", b"127.0.0.1", b"evil.example")]
        [True, True, True, False]
    """

    def __init__(self, names: set[str] | None) -> None:
        self._names = None if names is None else {name.lower() for name in names}

    def __contains__(self, host: bytes) -> bool:
        if self._names is None:
            return True
        name = host.decode("latin-1").strip().lower()
        if name.rpartition(":")[2].isdecimal():
            name = name.rpartition(":")[0]
        return name in self._names or _is_address(name.removeprefix("[").removesuffix("]"))


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address.

    Examples:
        >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    return _is_address(address) and ip_address(address).is_loopback


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
