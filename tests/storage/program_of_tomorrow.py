"""The command line of a program with one more column of usage events, and one more of quarantined lines, whose plain reader knows both.

Run as a program of its own: what follows from the declarations follows from these.
"""

from __future__ import annotations

import pyarrow as pa

from pipeline.usage import events

events.LAKE_VERSION += 1
REGION = events.Column(
    name="region", kind=events.Kind.TEXT, role=events.Role.DIMENSION, since=events.LAKE_VERSION, says="where it was served, as the log names it"
)
events.COLUMNS = (*events.COLUMNS, REGION)

from pipeline import schemas  # noqa: E402 - what is derived, is derived from the columns above

schemas.QUARANTINE = schemas.QUARANTINE.append(pa.field("region", pa.string()))

from pipeline.cli import main  # noqa: E402
from pipeline.collectors import decode  # noqa: E402
from pipeline.collectors.fast.lines import QuickReader  # noqa: E402

_row_of, _quarantine_row = decode.row_of, decode.QuarantineRow
decode.row_of = lambda values: _row_of({**values, "region": f"region-of-{values['line']}"})
decode.QuarantineRow = lambda reason, values: _quarantine_row(reason, (*values, None))  # type: ignore[assignment,misc]
QuickReader.read = lambda *_: None  # type: ignore[method-assign,assignment]

if __name__ == "__main__":
    main()
