"""The command line of a program with one more column of usage events, and one more of quarantined lines, whose plain
reader knows both.

Run as a program of its own: what follows from the declarations follows from these. Its arguments are a workspace and
command lines; they are run one after the other, up to the first that does not end well.
"""

# ruff: noqa: SLF001 - what was derived when it was imported is derived again
from __future__ import annotations

import shlex
import sys
from collections import namedtuple

import pyarrow as pa

from pipeline.usage import events

events.LAKE_VERSION += 1
FORECAST = events.Column(
    name="forecast",
    kind=events.Kind.TEXT,
    role=events.Role.DIMENSION,
    since=events.LAKE_VERSION,
    says="what only a later program knows",
)
events.COLUMNS = (*events.COLUMNS, FORECAST)
events.DIMENSIONS = (*events.DIMENSIONS, FORECAST)

from pipeline.tables import schemas  # noqa: E402 - what is derived, is derived from the columns above

schemas.QUARANTINE = schemas.QUARANTINE.append(pa.field("forecast", pa.string()))

from pipeline.cli import run  # noqa: E402
from pipeline.collectors import counting, decode  # noqa: E402

_of_today = counting.BodyReading
BodyReading = namedtuple(  # noqa: PYI024 - a tuple with one more field cannot be derived from one
    "BodyReading",
    (*_of_today._fields, "forecast"),
    defaults=(*_of_today._field_defaults.values(), "rain"),
)
BodyReading.__annotations__ = {**_of_today.__annotations__, "forecast": "str | None"}

counting.BodyReading = BodyReading  # type: ignore[assignment,misc]
decode._OF_READING = decode._columns_in(BodyReading)
decode._of_reading = lambda reading: tuple(getattr(reading, name, "rain") for name in decode._OF_READING)
decode._in_order = decode._row_maker(
    (*decode._OWN, *decode._OF_ENVELOPE, *decode._OF_LOG, *decode._OF_READING, *decode._OF_COUNTS)
)
_quarantine_row = decode.QuarantineRow
decode.QuarantineRow = lambda reason, values: _quarantine_row(reason, (*values, None))  # type: ignore[assignment,misc]

if __name__ == "__main__":
    workspace, *lines = sys.argv[1:]
    for line in lines:
        if code := run(["-w", workspace, *shlex.split(line)]):
            sys.exit(code)
