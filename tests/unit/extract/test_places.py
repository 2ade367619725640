"""Names of places by coordinates."""

from __future__ import annotations

import json

import pytest

from nasd.extract.readers.places import Gazetteer, gazetteer


def _row(
    city: str, latitude: float, longitude: float, people: int, state: str = "", code: str = "PT"
) -> dict:
    row = {
        "country_code": code, "city": city, "latitude": latitude, "longitude": longitude,
        "population": people,
    }  # fmt: skip
    return {**row, "state": state} if state else row


def _made(*rows: dict) -> Gazetteer:
    return Gazetteer(json.dumps(rows, separators=(",", ":")).encode(), {"PT": "Portugal", "FJ": "Fiji"})


def test_the_nearest_place_and_the_large_city_around_it() -> None:
    places = _made(
        _row("Baixa", 38.711, -9.137, 4_000, "Lisbon"),
        _row("Lisbon", 38.725, -9.15, 500_000, "Lisbon"),
        _row("Sintra", 38.80, -9.38, 20_000, "Lisbon"),
    )
    assert str(places.near(38.7112, -9.1371)) == "Baixa, Lisbon, Portugal"
    assert str(places.near(38.801, -9.381)) == "Sintra, Lisbon, Portugal"


def test_where_nobody_lives_nothing_is_said() -> None:
    assert _made(_row("Baixa", 38.711, -9.137, 4_000)).near(38.711, -12.0) is None
    assert _made().near(0.0, 0.0) is None


def test_over_the_date_line() -> None:
    places = _made(_row("Naselesele", -16.70, 179.99, 2_000, code="FJ"))
    assert str(places.near(-16.70, -179.99)) == "Naselesele, Fiji"


def test_names_keep_their_letters() -> None:
    places = _made(_row('São João "da" Talha\\', 38.8, -9.1, 2_000, "Lisboa"))
    found = places.near(38.8, -9.1)
    assert found is not None
    assert found.names == ('São João "da" Talha\\', "Lisboa", "Portugal")


@pytest.mark.parametrize(
    ("latitude", "longitude", "names"),
    [
        (48.8584, 2.2945, ("Paris", "France")),
        (-33.8568, 151.2153, ("Sydney", "Australia")),
        (35.68, 139.77, ("Tokyo", "Japan")),
        (40.71, -74.0, ("New York City", "United States")),
    ],
)
def test_the_installed_places(latitude: float, longitude: float, names: tuple[str, ...]) -> None:
    places = gazetteer()
    assert places is not None
    assert len(places) > 100_000
    found = places.near(latitude, longitude)
    assert found is not None
    assert set(names) <= set(found.names)
