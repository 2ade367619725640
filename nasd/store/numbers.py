"""Many ids at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Select, func, select


def numbers(connection: Connection, query: Select[tuple[int]]) -> npt.NDArray[np.int64]:
    """What a query of one column gives, sorted. It comes as one text: a tenth of what a row each costs."""
    (column,) = query.subquery().c
    listed = connection.scalar(select(func.group_concat(column)))
    return np.sort(np.fromstring(str(listed or ""), dtype=np.int64, sep=","))
