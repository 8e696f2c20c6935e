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
            "pipeline/invoicing/overage.py",
            "pipeline/invoicing/period_lines.py",
            "pipeline/invoicing/places.py",
            "pipeline/invoicing/recurring_lines.py",
            "pipeline/invoicing/reductions.py",
            "pipeline/invoicing/tax.py",
            "pipeline/invoicing/usage_lines.py",
        ),
        tests=(
            "tests/config/test_rate_card_shapes.py",
            "tests/golden/test_invoice_cases.py::test_invoices_come_out_as_an_accountant_expects",
            "tests/golden/test_invoice_cases.py::test_a_day_begins_where_the_case_says",
            "tests/oracle/test_drafting.py",
            "tests/oracle/test_exchange.py",
            "tests/oracle/test_grants.py",
            "tests/oracle/test_pricing.py",
            "tests/oracle/test_recurring.py",
            "tests/oracle/test_repricing.py",
            "tests/rules/test_accounts.py",
            "tests/rules/test_book.py",
            "tests/rules/test_card_choice.py",
            "tests/rules/test_charged_periods.py",
            "tests/rules/test_correction_cells.py",
            "tests/rules/test_credit_use.py",
            "tests/rules/test_credited_parts.py",
            "tests/rules/test_draft_places.py",
            "tests/rules/test_exact_amounts.py",
            "tests/rules/test_extended_cards.py",
            "tests/rules/test_grants.py",
            "tests/rules/test_invoicing.py",
            "tests/rules/test_limits.py",
            "tests/rules/test_line_contracts.py",
            "tests/rules/test_money.py",
            "tests/rules/test_parents.py",
            "tests/rules/test_period_worth.py",
            "tests/rules/test_price_shapes.py",
            "tests/rules/test_rated_columns.py",
            "tests/rules/test_rates.py",
            "tests/rules/test_rating.py",
            "tests/rules/test_reductions.py",
            "tests/rules/test_sums.py",
            "tests/rules/test_tax.py",
            "tests/rules/test_taxed_sums.py",
            "tests/rules/test_tax_breakdown.py",
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
            "pipeline/collectors/fields.py",
            "pipeline/collectors/formats",
            "pipeline/collectors/logs",
            "pipeline/collectors/reading.py",
            "pipeline/collectors/refused.py",
            "pipeline/collectors/routes.py",
            "pipeline/collectors/segment.py",
            "pipeline/collectors/strict_json.py",
            "pipeline/collectors/wrappers",
        ),
        tests=(
            "tests/collectors/families",
            "tests/collectors/formats",
            "tests/collectors/test_amounts.py",
            "tests/collectors/test_batch_files.py",
            "tests/collectors/test_batch_pairs.py",
            "tests/collectors/test_columns.py",
            "tests/collectors/test_competing_logs.py",
            "tests/collectors/test_decoded_lines.py",
            "tests/collectors/test_digests.py",
            "tests/collectors/test_envelope.py",
            "tests/collectors/test_exact_json.py",
            "tests/collectors/test_exchanges.py",
            "tests/collectors/test_field_checks.py",
            "tests/collectors/test_framing.py",
            "tests/collectors/test_identity.py",
            "tests/collectors/test_known_logs.py",
            "tests/collectors/test_limits.py",
            "tests/collectors/test_lineage.py",
            "tests/collectors/test_lines.py",
            "tests/collectors/test_log_files.py",
            "tests/collectors/test_mapping.py",
            "tests/collectors/test_object_bytes.py",
            "tests/collectors/test_plain_bodies.py",
            "tests/collectors/test_precedence.py",
            "tests/collectors/test_read_logs.py",
            "tests/collectors/test_recognised.py",
            "tests/collectors/test_refused_lines.py",
            "tests/collectors/test_routes.py",
            "tests/collectors/test_rows_by_name.py",
            "tests/collectors/test_secrecy.py",
            "tests/collectors/test_split_logs.py",
            "tests/collectors/test_splitting.py",
            "tests/collectors/test_streams.py",
            "tests/collectors/test_strict_json.py",
            "tests/collectors/test_taken_apart.py",
            "tests/collectors/test_token_counts.py",
            "tests/collectors/test_unread_tails.py",
            "tests/collectors/test_whole_documents.py",
            "tests/collectors/test_whole_envelopes.py",
            "tests/collectors/test_wrapped_lines.py",
            "tests/collectors/test_wrappers.py",
        ),
    ),
    "dedupe": Group(
        modules=(
            "pipeline/collectors/identity.py",
            "pipeline/lake/rereading.py",
            "pipeline/lake/superseding.py",
            "pipeline/warehouse/identities.py",
        ),
        tests=(
            "tests/collectors/test_identity.py",
            "tests/storage/test_superseding.py",
            "tests/warehouse/test_identities.py",
        ),
    ),
}

_EQUAL_IN_RATING: dict[str, str] = {
    "base.money: _minor_unit: 2 instead": "only how many decimal places it has counts",
    "base.money: fraction_rounded_to_minor_unit: lte instead": "a zero loses its sign",
    "invoicing.usage_lines: _line_order: 2 instead: 1": "no list rate is below zero",
    "invoicing.usage_lines: _line_order: 2 instead: 1 (#3)": "flat amounts stand apart before, and below zero is below",
    "invoicing.usage_lines: _line_order: its first always: first.flat_amount": "likewise: none of them is compared",
    "invoicing.usage_lines: at import: 'tuple[": "what only a type checker reads",
    "invoicing.usage_lines: line_place: '~' instead": "no entry is called so, and both sides say it alike",
    "invoicing.recurring_lines: at import: '_Key~'": "what only a type checker reads",
    "rates.card: RateCard.windows: '~' instead": "no model is called so either",
    "rates.card: RateCard.windows: without ''": "nothing is known by no name either",
    "rates.card: at import: '~' instead": "a tier that no rate has is priced as the others are",
    "rates.prices: at import: 'Decimal |": "what only a type checker reads",
    "rates.prices: refuse_what_is_no_rate: without isinstance(exponent": "what has no end was refused before",
    "rates.prices: before_tier: without 0": "a tier that others follow has an end; the zero is for the type checker",
    "base.money: normalised: its last always": "plain notation read back is the same number, only later",
    "invoicing.period_lines: coupon_lines: continue instead": "nothing is owed for the next coupon either",
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
    "collectors.families.chat_usage: _with_what_lies_outside: without 0: stated.": (
        "both counts are stated there; the zero is for the type checker"
    ),
    "collectors.formats.request_log: _lookup: its last always": "what an object states once is what it has",
    "collectors.routes: _route: without method is not None": "an exchange without a method counts as posted before",
    "collectors.logs.memory: keep_freed_memory: left out": "a hint to the allocator, which nothing but time tells",
    "collectors.refused: _usage_of: '-~' instead": "any id of a key will do there: only the counts are kept",
    "collectors.logs.whole_document: WholeDocument.__iter__: b'[] \\t\\r\\n~' instead": (
        "what is stripped is JSON, which has no ~ but within quotes"
    ),
    "collectors.reading: split_of: its last always: LineBlocks if": (
        "lines are split one by one then, which is slower and comes to the same"
    ),
    "collectors.formats.request_log: _logged:": "no column is read from a field as it is so far",
    "collectors.formats.log_format: LogFormat.line_of: its last always": "where nothing is named nothing is found",
    "collectors.formats.instants: in_utc: without isinstance(value, str)": "nothing else reads as a date, as texts do",
    "collectors.logs.line_blocks: LineBlocks._blocks: lt instead: len(content) <= limit": "its last line ends there",
    "collectors.logs.line_blocks: LineBlocks._blocks: lt instead: len(part) <= self._line_bytes_max": (
        "no line of it is beyond the cap then, and it stays one block"
    ),
    "collectors.logs.line_blocks: LineBlocks.__iter__: 1 instead: 0 (#2)": "a block begins a byte sooner, once",
    "collectors.logs.compression: _GzipMember.__init__: 17 instead: 16": "15 | 17 is 15 | 16",
    "collectors.logs.compression: decompressed: True instead: False (#2)": (
        "what is before the first member is its magic bytes, and no padding"
    ),
    "collectors.counting: normalised: 1 instead: 0 (#2)": "a count of one is not too large either",
    "collectors.batch_files: _is_input: b'~' instead": "neither is a line of an input file",
    "collectors.batch_files: _text: 2 instead: 1": "what is longer is longer by a byte or by two",
    "collectors.batch_files: _text: '~' instead: ''": "neither says anything of a batch",
    "collectors.batch_files: _text: '~' instead: '' (#2)": "likewise",
    "collectors.decode: decode_line: its last always: None if line.content": "what is too long was refused before",
    "collectors.logs.line_blocks: LineBlocks.__iter__: b'\\n~' instead: b'\\n' (#3)": ("pieces are joined needlessly"),
    "collectors.bodies.aws_event_stream: exception_in: '~' instead: '' (#2)": "neither is the name of an exception",
    "collectors.bodies.aws_event_stream: payloads_of: False instead: True": "the pattern has looked at each letter",
    "collectors.batch_files: _lines: b'\\n~' instead": "the last line ends, and another begins that nobody reads",
    "collectors.batch_files: _stands_in: without name in text": "a quicker look, which the pattern takes too",
    "collectors.formats.log_format: batch_digests: '~' instead: ''": "there is no digest in either",
    "collectors.formats.request_log: _beside: the other of and, or": "more is looked up than is asked for",
    "collectors.decode: _values: b'~' instead: b''": "what is too long to be kept is no event",
    "collectors.batch_files: _named_by: 1 instead: 0 (#2)": "of no things none is named, by its folder either",
    "collectors.formats.instants: _offset_there: without timedelta()": "every zone has an offset at every time",
    "collectors.formats.request_log: api_key_id_of: without not raw.isascii()": "no half of a character is ASCII",
    "collectors.bodies.aws_event_stream: _messages: lte instead: at < len(content)": "there is no message at the end",
    "collectors.bodies.aws_event_stream: _messages: lte instead: len(content) - at": "a prelude alone is no message",
    "collectors.again: at import: 64 instead: 63": "no log is as long as that",
    "collectors.again: at import: 2 instead: 1 (#2)": "likewise",
    "collectors.again: at import: 2 instead: 1": "likewise, and by how many threads a log is read",
    "collectors.formats.found: at import: 'held~' instead": "what recognises nothing is no format either way",
    "collectors.again: read_again: 'fast~' instead": "the plain reader comes to the same, and is slower",
    "collectors.again: read_again: without segments[0].record.end": "bytes of one digest are of one length",
    "collectors.again: read_again: without log.compression is Compression.NONE": (
        "the last bytes of a compressed log are looked at too, which takes a pass and comes to the same"
    ),
}

_EQUAL_IN_DEDUPE: dict[str, str] = {
    "warehouse.identities: _prefixes: its last always": "of one pass all are its own, whatever is divided",
    "warehouse.identities: _sorted_prefixes: 1 instead: 0": "likewise: there is one pass",
    "lake.rereading: _others: without whole: whole or not rows": "a filter by all segments leaves no row; it is slower",
    "lake.rereading: _others: the other of and, or: whole or not": "likewise, of all segments or of no rows",
    "warehouse.identities: _flags: max instead: min": "the same, at most 128 MiB of it",
    "warehouse.identities: at import: 128000001 instead": "how many are sorted at a time",
    "warehouse.identities: at import: 2 instead: 1": "how many rows are decoded at a time",
    "warehouse.identities: at import: 28 instead: 27": "how large a table of first bits may be",
    "warehouse.identities: identities_beginning_with: its first always": "no file has any of none; it is slower",
    "lake.rereading: _keys: b'\\x00~' instead": "identities are of one length, so any mark before one tells it",
    "lake.rereading: _keys: '\\x00~' instead": "offsets are digits, so any mark before them tells them",
    "warehouse.identities: _flags: 5 instead: 4": "how large a table of first bits is, and no more",
    "warehouse.identities: _identities: True instead: False": "by how many threads a file is decoded",
    "warehouse.identities: _identities: 2 instead: 1 (#2)": "numpy takes any size below zero for the one to be found",
    "warehouse.identities: _identities: without its": (
        "pyarrow reads batches that begin and end where their buffers do; nothing else tells that the slice is there"
    ),
}

EQUAL = {"rating": _EQUAL_IN_RATING, "reading": _EQUAL_IN_READING, "dedupe": _EQUAL_IN_DEDUPE}
"""How the name of a change begins, and why nobody can tell."""
