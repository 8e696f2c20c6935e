"""What ``benchmarks.mutants python`` changes, which tests have to notice, and which changes amount to nothing.

A group is modules and the tests that claim what they do: those of rules and small cases, never those that start
processes.
"""

from __future__ import annotations

from typing import NamedTuple


class Group(NamedTuple):
    """Modules (files and folders below the root), and the tests (likewise) that have to notice their mutants."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


GROUPS = {
    "rating": Group(
        modules=(
            "pipeline/base/money.py",
            "pipeline/rates",
            "pipeline/rating",
            "pipeline/tables/rating.py",
            "pipeline/tables/sums.py",
            "pipeline/invoicing/corrections.py",
            "pipeline/invoicing/credits.py",
            "pipeline/invoicing/lines.py",
            "pipeline/invoicing/worth/overage.py",
            "pipeline/invoicing/worth/period_lines.py",
            "pipeline/invoicing/places.py",
            "pipeline/invoicing/worth/recurring_lines.py",
            "pipeline/invoicing/reductions.py",
            "pipeline/invoicing/tax.py",
            "pipeline/invoicing/worth/usage_lines.py",
        ),
        tests=(
            "tests/config/rates/test_rate_card_shapes.py",
            "tests/golden/test_invoice_cases.py::test_invoices_come_out_as_an_accountant_expects",
            "tests/golden/test_invoice_cases.py::test_a_day_begins_where_the_case_says",
            "tests/oracle/compared/test_drafting.py",
            "tests/oracle/compared/test_exchange.py",
            "tests/oracle/compared/test_grants.py",
            "tests/oracle/compared/test_pricing.py",
            "tests/oracle/compared/test_recurring.py",
            "tests/oracle/compared/test_repricing.py",
            "tests/rules/accounts",
            "tests/rules/base",
            "tests/rules/invoicing",
            "tests/rules/rates",
            "tests/rules/rating",
        ),
    ),
    "reading": Group(
        modules=(
            "pipeline/collectors/again.py",
            "pipeline/collectors/batch_files.py",
            "pipeline/collectors/bodies",
            "pipeline/collectors/counting.py",
            "pipeline/collectors/decode.py",
            "pipeline/collectors/event_columns.py",
            "pipeline/collectors/exchange.py",
            "pipeline/collectors/families",
            "pipeline/collectors/values/arrow_rows.py",
            "pipeline/collectors/values/csv_cells.py",
            "pipeline/collectors/values/fields.py",
            "pipeline/collectors/formats",
            "pipeline/collectors/logs",
            "pipeline/collectors/reading",
            "pipeline/collectors/refused.py",
            "pipeline/collectors/routes.py",
            "pipeline/collectors/segment.py",
            "pipeline/collectors/values/strict_json.py",
            "pipeline/collectors/wrappers",
        ),
        tests=(
            "tests/collectors/bodies",
            "tests/collectors/families",
            "tests/collectors/formats",
            "tests/collectors/logs",
            "tests/collectors/reading/test_columns.py",
            "tests/collectors/reading/test_limits.py",
            "tests/collectors/reading/test_read_logs.py",
            "tests/collectors/reading/test_rows_by_name.py",
            "tests/collectors/test_amounts.py",
            "tests/collectors/test_batch_files.py",
            "tests/collectors/test_batch_pairs.py",
            "tests/collectors/test_decoded_lines.py",
            "tests/collectors/test_exchanges.py",
            "tests/collectors/test_identity.py",
            "tests/collectors/test_precedence.py",
            "tests/collectors/test_recognised.py",
            "tests/collectors/test_refused_lines.py",
            "tests/collectors/test_routes.py",
            "tests/collectors/test_secrecy.py",
            "tests/collectors/values",
            "tests/collectors/wrappers",
        ),
    ),
    "dedupe": Group(
        modules=(
            "pipeline/collectors/identity.py",
            "pipeline/lake/rereading.py",
            "pipeline/lake/log/superseding.py",
            "pipeline/warehouse/identities.py",
        ),
        tests=(
            "tests/collectors/test_identity.py",
            "tests/storage/lake/test_superseding.py",
            "tests/warehouse/test_identities.py",
        ),
    ),
    "tracing": Group(
        modules=(
            "pipeline/collectors/values/traced.py",
            "pipeline/collectors/kernel/rules/rows.py",
            "pipeline/collectors/kernel/rules/rule.py",
            "pipeline/collectors/kernel/rules/search.py",
        ),
        tests=(
            "tests/collectors/values/test_traced.py",
            "tests/collectors/kernel/rules/test_conditions.py",
            "tests/collectors/kernel/test_formats.py",
            "tests/collectors/kernel/rules/test_kept_counts.py",
            "tests/collectors/kernel/test_rows.py",
            "tests/collectors/kernel/rules/test_rules.py",
            "tests/collectors/kernel/rules/test_search.py",
            "tests/collectors/kernel/test_blocks.py",
        ),
    ),
}

_EQUAL_IN_RATING: dict[str, str] = {
    "base.money: _minor_unit: 2 instead": "only how many decimal places it has counts",
    "base.money: fraction_rounded_to_minor_unit: lte instead": "a zero loses its sign",
    "invoicing.worth.usage_lines: _line_order: 2 instead: 1": "no list rate is below zero",
    "invoicing.worth.usage_lines: _line_order: 2 instead: 1 (#3)": (
        "flat amounts stand apart before, and below zero is below"
    ),
    "invoicing.worth.usage_lines: _line_order: its first always: first.flat_amount": (
        "likewise: none of them is compared"
    ),
    "invoicing.worth.usage_lines: at import: 'tuple[": "what only a type checker reads",
    "invoicing.worth.usage_lines: line_place: '~' instead": "no entry is called so, and both sides say it alike",
    "invoicing.worth.recurring_lines: at import: '_Key~'": "what only a type checker reads",
    "rates.card: RateCard.windows: '~' instead": "no model is called so either",
    "rates.card: RateCard.windows: without ''": "nothing is known by no name either",
    "rates.card: at import: '~' instead": "a tier that no rate has is priced as the others are",
    "rates.prices: at import: 'Decimal |": "what only a type checker reads",
    "rates.prices: refuse_what_is_no_rate: without isinstance(exponent": "what has no end was refused before",
    "rates.prices: before_tier: without 0": "a tier that others follow has an end; the zero is for the type checker",
    "base.money: normalised: its last always": "plain notation read back is the same number, only later",
    "invoicing.worth.period_lines: coupon_lines: continue instead": "nothing is owed for the next coupon either",
    "invoicing.lines: meter_and_rate: without line.meter is None": "no line has a rate and no meter",
    "invoicing.reductions: partial_credit_note: 2 instead: 1": "lines are numbered once all are there",
    "rates.card: RateCard.rate_windows: without start_at is not None": "only what stands behind the last has no start",
    "rates.card: at import: True instead: False (#2)": "windows are a function of the rates",
    "rates.prices: _refuse_misleading_tiers: without if bound is not None": "refused before",
    "rates.limits: EntryLimit.applied_to: without self.maximum is not None: is_capped": "is_capped says so",
    "rating.charges: placed_charges: its last always: row if meter": "a row with the meter that it has is the same row",
    "tables.rating: at import: 1 instead: 0": "the same digits, whose point is moved whatever it was",
    "tables.rating: rate_simple_usage: 1 instead: 0 (#2)": "a slice of no rows has none, wherever it begins",
    "tables.rating: rate_simple_usage: without if terms_of.exchange": "more combinations, all alike",
}

_EQUAL_IN_READING: dict[str, str] = {
    "collectors.logs.stored.parquet_rows: _lines_of: True instead: False": "as many threads as there are read the same",
    "collectors.values.arrow_rows: _instant: 2 instead: 1": "no unit has two to a second",
    "collectors.logs.stored.parquet_rows: at import: 65 instead: 64": "how many rows are held at once",
    "collectors.families.chat_usage: _with_what_lies_outside: without 0: stated.": (
        "both counts are stated there; the zero is for the type checker"
    ),
    "collectors.formats.request_log: _lookup: its last always": "what an object states once is what it has",
    "collectors.routes: _route_of_asked: without method is None": "without one it counts as posted before",
    "collectors.logs.memory: keep_freed_memory: left out": "a hint to the allocator, which nothing but time tells",
    "collectors.refused: _usage_of: '-~' instead": "any id of a key will do there: only the counts are kept",
    "collectors.logs.whole_document: WholeDocument.__iter__: b'[] \\t\\r\\n~' instead": (
        "what is stripped is JSON, which has no ~ but within quotes"
    ),
    "collectors.formats.instants: in_utc: without isinstance(value, str)": "nothing else reads as a date, as texts do",
    "collectors.logs.line_blocks: LineBlocks._blocks: lt instead: len(content) <= limit": "its last line ends there",
    "collectors.logs.line_blocks: LineBlocks._blocks: lt instead: len(part) <= self._line_bytes_max": (
        "no line of it is beyond the cap then, and it stays one block"
    ),
    "collectors.logs.line_blocks: LineBlocks.__iter__: 1 instead: 0 (#2)": (
        "a block ends a byte sooner, and a line that follows a whole block comes alone, as the same line"
    ),
    "collectors.logs.stored.compression: _GzipMember.__init__: 17 instead: 16": "15 | 17 is 15 | 16",
    "collectors.logs.stored.compression: decompressed: True instead: False (#2)": (
        "what is before the first member is its magic bytes, and no padding"
    ),
    "collectors.counting: normalised: 1 instead: 0 (#2)": "a count of one is not too large either",
    "collectors.batch_files: _is_input: b'~' instead": "neither is a line of an input file",
    "collectors.batch_files: _text: 2 instead: 1": "what is longer is longer by a byte or by two",
    "collectors.batch_files: _text: '~' instead: ''": "neither says anything of a batch",
    "collectors.batch_files: _text: '~' instead: '' (#2)": "likewise",
    "collectors.decode: _Reader.of_line: b'~' instead: b''": "what is too long was refused before",
    "collectors.logs.line_blocks: LineBlocks.__iter__: b'\\n~' instead: b'\\n' (#3)": ("pieces are joined needlessly"),
    "collectors.bodies.aws_event_stream: exception_in: '~' instead: '' (#2)": "neither is the name of an exception",
    "collectors.batch_files: _lines: b'\\n~' instead": "the last line ends, and another begins that nobody reads",
    "collectors.batch_files: _stands_in: without name in text": "a quicker look, which the pattern takes too",
    "collectors.formats.log_format: batch_digests: '~' instead: ''": "there is no digest in either",
    "collectors.decode: _Reader.rows: b'~' instead: b''": "what is too long to be kept is no event",
    "collectors.batch_files: _named_by: 1 instead: 0 (#2)": "of no things none is named, by its folder either",
    "collectors.formats.instants: _offset_there: without timedelta()": "every zone has an offset at every time",
    "collectors.formats.request_log: api_key_id_of: without not raw.isascii()": "no half of a character is ASCII",
    "collectors.bodies.aws_event_stream: _messages: lte instead: at < len(content)": "there is no message at the end",
    "collectors.again: at import: 64 instead: 63": "no log is as long as that",
    "collectors.again: at import: 2 instead: 1 (#2)": "likewise",
    "collectors.again: at import: 2 instead: 1": "likewise, and by how many threads a log is read",
    "collectors.again: at import: add instead: 2 ** 63": "likewise, as any number is that no log reaches",
    "collectors.again: at import: 3 instead: 2": "likewise, as any number is that no log reaches",
    "collectors.batch_files: at import: add instead: 2 ** 63": "no input file is as long as that",
    "collectors.batch_files: at import: 3 instead: 2 (#2)": "no input file is as long as that",
    "collectors.batch_files: at import: 64 instead: 63": "no input file is as long as that",
    "collectors.batch_files: at import: 2 instead: 1": "no input file is as long as that",
    "collectors.reading.log_reading: at import: add instead: 2 ** 63": "no log is as long as that",
    "collectors.reading.log_reading: at import: 3 instead: 2": "no log is as long as that",
    "collectors.reading.log_reading: at import: 64 instead: 63": "no log is as long as that",
    "collectors.reading.log_reading: at import: 2 instead: 1": "no log is as long as that",
    "collectors.reading.log_reading: at import: 9 instead: 8": "what a log expands to only says by what it is read",
    "collectors.reading.log_reading: at import: mult instead: 2 ** 18": "when a compressed log is looked at whole",
    "collectors.reading.log_reading: at import: 3 instead: 2 (#2)": "when a compressed log is looked at whole",
    "collectors.reading.log_reading: at import: 19 instead: 18": "when a compressed log is looked at whole",
    "collectors.reading.filling: at import: mult instead: 2 ** 21": "how much is decoded at a time",
    "collectors.reading.filling: at import: 3 instead: 2": "how much is decoded at a time",
    "collectors.reading.filling: at import: 22 instead: 21": "how much is decoded at a time",
    "collectors.reading.log_reading: at import: 'fast~' instead: 'fast'": "what only a type checker reads",
    "collectors.reading.log_reading: at import: 'plain~' instead: 'plain'": "what only a type checker reads",
    "collectors.segment: at import: mult instead: 2 ** 14": "how many rows become columns at a time",
    "collectors.segment: at import: 3 instead: 2": "how many rows become columns at a time",
    "collectors.segment: at import: 15 instead: 14": "how many rows become columns at a time",
    "collectors.logs.stored.compression: at import: mult instead: 2 ** 20": "how large pieces are",
    "collectors.logs.stored.compression: at import: 3 instead: 2": "how large pieces are",
    "collectors.logs.stored.compression: at import: 21 instead: 20": "how large pieces are",
    "collectors.logs.line_blocks: at import: mult instead: 2 ** 22": "how much is split at a time",
    "collectors.logs.line_blocks: at import: 3 instead: 2": "how much is split at a time",
    "collectors.logs.line_blocks: at import: 23 instead: 22": "how much is split at a time",
    "collectors.logs.log_file: at import: mult instead: 2 ** 23": "how much is read at a time",
    "collectors.logs.log_file: at import: 3 instead: 2 (#2)": "how much is read at a time",
    "collectors.logs.log_file: at import: 24 instead: 23": "how much is read at a time",
    "collectors.logs.log_file: at import: mult instead: 2 ** 16 (#2)": "how much is read at a time",
    "collectors.logs.log_file: at import: 3 instead: 2 (#3)": "how much is read at a time",
    "collectors.logs.log_file: at import: 17 instead: 16 (#2)": "how much is read at a time",
    "collectors.logs.log_file: at import: 19 instead: 18": "what follows the header is not looked at",
    "collectors.logs.memory: at import: mult instead: 2 ** 24": "a hint to the allocator",
    "collectors.logs.memory: at import: 3 instead: 2": "a hint to the allocator",
    "collectors.logs.memory: at import: 25 instead: 24": "a hint to the allocator",
    "collectors.formats.request_log: at import: 'usage~' instead": "it is looked up twice, and taken once",
    "collectors.formats.request_log: at import: 'usage.~' instead": "it is looked up twice, and taken once",
    "collectors.bodies.body: _json_body: 'choices~' instead": "a chunk with choices is what it is, wherever it stands",
    "collectors.bodies.body: _json_body: without 'choices' not in": "likewise",
    "collectors.families.chat_usage: _named: '~' instead": "where nothing was found yet, no place is told",
    "collectors.families.anthropic: _usages: without if usage": "an empty one states nothing",
    "collectors.families.chat_usage: stated_by: without 0": "no total is no total; the zero is for the type checker",
    "collectors.families.reading: count: lt instead: 0 <= value <= TOKENS_MAX": "what follows comes to the same count",
    "collectors.families.reading: count: lt instead: 0 <= value <= TOKENS_MAX (#2)": "likewise",
    "collectors.formats.log_format: settings_digest: without ''": "only what is there is split",
    "collectors.routes: route_of: '~' instead": "what is longer is worked out, and not remembered",
    "collectors.values.fields: spelled: lt instead: len(name)": "what is odd and as long as that becomes longer",
    "collectors.formats.request_log: _beside: without name not in _OF_USAGE": "it is looked up twice",
    "collectors.reading.log_reading: LogReading._in_order: its last always": "size only says by what it is read",
    "collectors.again: read_again: without log.compression is Compression.NONE": (
        "the last bytes of a compressed log are looked at too, which takes a pass and comes to the same"
    ),
}

_EQUAL_IN_DEDUPE: dict[str, str] = {
    "warehouse.identities: at import: 'K~' instead": "what only a type checker reads",
    "warehouse.identities: beginnings_of: 2 instead: 1": "numpy takes any size below zero for the one to be found",
    "warehouse.identities: _prefixes: its last always": "of one pass all are its own, whatever is divided",
    "warehouse.identities: _sorted_prefixes: 1 instead: 0": "likewise: there is one pass",
    "lake.rereading: _changed_days: in the order they came": "what is written is put in order of dates again",
    "lake.rereading: _others: its first always": "of no rows none is left either way",
    "lake.rereading: _others: without not rows.num_rows": "a filter of no rows leaves none",
    "lake.rereading: _others: without whole: whole or not rows": "a filter by all segments leaves no row; it is slower",
    "lake.rereading: _others: the other of and, or: whole or not": "likewise, of all segments or of no rows",
    "warehouse.identities: _flags: max instead: min": "the same, at most 128 MiB of it",
    "warehouse.identities: at import: 128000001 instead": "how many are sorted at a time",
    "warehouse.identities: at import: 2 instead: 1": "how many rows are decoded at a time",
    "warehouse.identities: at import: 28 instead: 27": "how large a table of first bits may be",
    "warehouse.identities: beginning_alike: its first always": "no file has any of none; it is slower",
    "lake.rereading: _keys: b'\\x00~' instead": "identities are of one length, so any mark before one tells it",
    "lake.rereading: _keys: '\\x00~' instead": "offsets are digits, so any mark before them tells them",
    "warehouse.identities: _flags: 5 instead: 4": "how large a table of first bits is, and no more",
    "warehouse.identities: _identities: 2 instead: 1 (#2)": "numpy takes any size below zero for the one to be found",
    "warehouse.identities: _identities: without its": (
        "pyarrow reads batches that begin and end where their buffers do; nothing else tells that the slice is there"
    ),
}

_EQUAL_IN_TRACING: dict[str, str] = {
    "collectors.kernel.rules.search: Search._key: '~' instead": "who has a hole for the key has no use for this id",
    "collectors.values.traced: TracedCount._sum: gte instead: times > 0": "it is one more or one less",
    "collectors.values.traced: at import: 11 instead: 10 (#2)": "how many placeholders there can be",
    "collectors.kernel.rules.search: Search._read: 2 instead: 1": "two of a line differ so too",
    "collectors.values.traced: Trace.note: 1 instead: 0 (#2)": "none is no times there",
    "collectors.kernel.rules.search: Search._comes_out: 2 instead: 1": "twice the counts are as good",
    "collectors.kernel.rules.search: Search._comes_out: 3 instead: 2": "so are other lengths",
    "collectors.kernel.rules.search: at import: 1001 instead: 1000": "so are more counts",
    "collectors.kernel.rules.search: Search.__init__: its first always": "lines are longer, and the same comes of them",
    "collectors.kernel.rules.rule: _least: gte instead: times > 0": "none is no times there",
    "collectors.kernel.rules.search: _shared: without not any(": "a sample tells as well",
    "collectors.kernel.rules.search: _shared: all instead: any": "a sample tells as well",
    "collectors.kernel.rules.search: _shared: without is_shared": "a sample tells as well",
    "collectors.kernel.rules.search: Search._sum: the other of and, or: one.times": "a sample tells as well",
}

EQUAL = {
    "rating": _EQUAL_IN_RATING,
    "reading": _EQUAL_IN_READING,
    "dedupe": _EQUAL_IN_DEDUPE,
    "tracing": _EQUAL_IN_TRACING,
}
"""How the name of a change begins, and why nobody can tell."""
