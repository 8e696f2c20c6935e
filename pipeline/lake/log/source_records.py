"""Source records out of the JSON of a log entry.

Does not own what a source record means (``pipeline.usage.sources``).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline.objects.encoded.strict_json import checked_fields
from pipeline.usage.sources import Algorithm, SegmentDigest, SourceRecord, Window

if TYPE_CHECKING:
    from collections.abc import Mapping


_SINCE_LATER: Mapping[str, Any] = {"read_by": None, "joined": 0, "further": 0, "forgotten": 0}
"""Fields that records of before do not have, with what they are where they are absent."""
_LATER_KINDS: Mapping[str, type] = {"read_by": str, "joined": int, "further": int, "forgotten": int}


def stated_record(record: SourceRecord) -> dict[str, Any]:
    """Return a record as a log entry states it; what it does not know is left out, as records of before had none.

    The digest goes by the name of its algorithm, which records of before had in the same place.
    """
    stated = {
        (record.digest.algorithm.value if name == "digest" else name): (
            record.digest.digits if name == "digest" else value
        )
        for name, value in asdict(record).items()
    }
    for name, absent in _SINCE_LATER.items():
        if stated[name] == absent:
            del stated[name]
    return stated


def source_record(value: Any) -> SourceRecord:
    """Read a record that ``stated_record`` wrote.

    Raises ``ValueError`` for missing, unknown or mistyped fields.
    """
    algorithm = Algorithm.BLAKE3 if isinstance(value, dict) and Algorithm.BLAKE3.value in value else Algorithm.SHA256
    fields = checked_fields(
        value,
        "a source",
        source=str,
        name=str,
        compression=str,
        file_size=int,
        start=int,
        end=int,
        first_line=int,
        **{algorithm.value: str},
        head=dict,
        tail=dict,
        lines=int,
        blank=int,
        quarantined=dict,
        events=dict,
        **{name: kind for name, kind in _LATER_KINDS.items() if isinstance(value, dict) and name in value},
    )
    for counts in (fields["quarantined"], fields["events"]):
        if any(type(count) is not int for count in counts.values()):
            message = f"a source counts {counts}, and counts are integers"
            raise ValueError(message)
    digest = SegmentDigest(algorithm, fields.pop(algorithm.value))
    return SourceRecord(
        **{**fields, "digest": digest, "head": _window(fields["head"]), "tail": _window(fields["tail"])}
    )


def _window(value: Any) -> Window:
    return Window(**checked_fields(value, "a window of a source", size=int, sha256=str))
