"""A chat to be imported: its times."""

from bdchat.store.transfer.chat import ms_of, time_of


def test_times_are_seconds_or_milliseconds_and_within_reach() -> None:
    assert ms_of(1_700_000_000.5) == 1_700_000_000_500
    assert ms_of(1_700_000_000_500) == 1_700_000_000_500
    for bad in (None, "1", True, -1, 0, 1e300, float("nan"), float("inf"), 10**400):
        assert ms_of(bad) is None


def test_dates_are_read_as_iso_8601_and_of_utc_where_no_zone_is_said() -> None:
    expected = 1_756_544_400_000
    for said in ("2025-08-30T09:00:00.000Z", "2025-08-30T18:00:00+09:00", "2025-08-30T09:00:00", "2025-08-30 09:00"):
        assert time_of(said) == expected
    assert time_of(expected) == time_of(expected / 1000) == expected
    junk: tuple[object, ...] = (
        "",
        "yesterday",
        "0001-01-01T00:00:00+14:00",
        "9999-99-99",
        "1" * 10_000,
        None,
        [],
        True,
    )
    for bad in junk:
        assert time_of(bad) is None
