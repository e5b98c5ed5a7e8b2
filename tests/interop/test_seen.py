from rixin.interop.seen import Seen


def test_places_hold_over_many_growths() -> None:
    seen = Seen()
    values = [(i * 0x9E3779B97F4A7C15) & ((1 << 64) - 1) for i in range(20_000)]
    assert all(seen.add(value) == -1 for value in values)
    assert [seen.add(value) for value in values] == list(range(20_000))


def test_hashes_that_collide_in_the_table_are_kept_apart() -> None:
    seen = Seen()
    values = [i << 20 for i in range(600)]
    assert [seen.add(value) for value in values] == [-1] * 600
    assert [seen.add(value) for value in values] == list(range(600))
    assert seen.add(-(1 << 64)) == 0
