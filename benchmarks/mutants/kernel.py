"""Take one check of the kernel away at a time, and see whether the suite notices.

``python -m benchmarks.mutants kernel``. Needs the compiler (``pip install -e '.[kernel]'``). Each mutant meets the
tests of the kernel first, a line or two for each check; where none of them notices, lines made by chance. Owns the list
of checks. Does not own the lines (``tests/collectors/kernel``; ``damaged_streams.py`` and ``fuzzing.py`` of
``tests/support/lines``): what survives here shows what they lack.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from benchmarks import fuzz
from pipeline.collectors import LogFormat
from pipeline.collectors.kernel import compiled
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.kernel.rules import table

if TYPE_CHECKING:
    from types import ModuleType

_ROOT = Path(__file__).parents[2]
MUTANTS: tuple[tuple[str, str, str], ...] = (
    (
        "bytes.h",
        "  SHORT | OVERLONG_2, SHORT, SHORT | OVERLONG_3 | SURROGATE,",
        "  SHORT, SHORT, SHORT | OVERLONG_3 | SURROGATE,",
    ),
    ("bytes.h", "SHORT | OVERLONG_3 | SURROGATE,", "SHORT | SURROGATE,"),
    ("bytes.h", "SHORT | OVERLONG_3 | SURROGATE,", "SHORT | OVERLONG_3,"),
    ("bytes.h", "SHORT | ABOVE | ABOVE_OR_OVERLONG,\n", "SHORT | ABOVE_OR_OVERLONG,\n"),
    ("bytes.h", "SHORT | ABOVE | ABOVE_OR_OVERLONG,\n", "SHORT | ABOVE,\n"),
    ("bytes.h", "((less(second, 0xE0 - 0x80) | less(third, 0xF0 - 0x80)) & all(TWO)) ^ found", "found"),
    ("bytes.h", "less(second, 0xE0 - 0x80) | less(third, 0xF0 - 0x80)", "less(second, 0xE0 - 0x80)"),
    ("bytes.h", "bits(now) | bits(before) >> 13", "bits(now)"),
    ("bytes.h", "end - p >= 80 && is_ascii(p + 16)", "end - p >= 80"),
    ("bytes.h", "(load(one + i + 48) ^ load(other + i + 48));", "all(0);"),
    ("bytes.h", "is_zero(wrong | no_utf8(before, last))", "is_zero(wrong)"),
    ("bytes.h", "is_zero(wrong | no_utf8(before, last))", "is_zero(no_utf8(before, last))"),
    ("json.h", " | (v16)(c < all(0x20)));\n    if (stop) return p", ");\n    if (stop) return p"),
    ("json.h", " | (v16)(c < all(0x20)));\n    if (slashes", ");\n    if (slashes"),
    ("json.h", "others = escaped & ~short_escapes(c);", "others = 0;"),
    ("json.h", "      stop &= ~escaped;\n", ""),
    ("json.h", "  *is_escaped = (ends & slashes) >> 15 & 1;", "  *is_escaped = 0;"),
    ("json.h", "others &= (stop & -stop) - 1; others;", "; others;"),
    (
        "json.h",
        "  default: return broken(p + 1);\n  }\n  for (int i = 2",
        "  default: return p + 2;\n  }\n  for (int i = 2",
    ),
    ("json.h", "    if (hex(p[i]) < 0) return broken(p + i);\n  return p + 6;", "    ;\n  return p + 6;"),
    ("json.h", "    if (!is_digit(*++p)) return broken(p);\n    p = digits", "    p++;\n    p = digits"),
    ("json.h", "  if (*p == '0') p++;\n  else if", "  if"),
    (
        "json.h",
        "  } else if (*p == ',') {\n    p = blanks(p + 1);\n  } else {\n    return no_member(p);\n  }",
        "  } else if (*p == ',') {\n    p = blanks(p + 1);\n  }",
    ),
    ("json.h", "  if (*p != ':') return no_member(p);\n", ""),
    ("json.h", "return depth < depth_max ? any_object(p, depth + 1) : unsure();", "return any_object(p, depth + 1);"),
    ("json.h", "is_cut = p == text_end;", "is_cut = 1;"),
    ("json.h", "  is_cut = 0;\n  return 0;", "  return 0;"),
    ("json.h", "      if ((low & 0xFC00) == 0xDC00) {", "      {"),
    ("shapes.h", "  if (!are_allowed) return 0;\n", ""),
    ("layouts.h", "p + size <= text_end && same(p, bytes, size) ? p + size : 0", "p + size <= text_end ? p + size : 0"),
    ("layouts.h", "    if (!p || blanks(p) != text_end) return -1;\n", "    if (!p) return -1;\n"),
    ("layouts.h", "size == l->size && same(shape, l->tokens, size) ?", "size == l->size ?"),
    ("layouts.h", "(i && !begin_alike(&layouts[before], l, reached.place))", "0"),
    ("layouts.h", "a->fixed != b->fixed || !same(", "0 && !same("),
    ("layouts.h", "a->fixed != b->fixed || !same(", "!same("),
    ("layouts.h", "    if (o + tokens > shape + SHAPE_BYTES_MAX) return 0;\n", ""),
    ("layouts.h", "!has_room() || !(p = leaf_by", "!(p = leaf_by"),
    ("layouts.h", "  if (noted.count > LEAVES_MAX) return 0;\n", ""),
    ("layouts.h", "  return bytes <= LAYOUT_BYTES_MAX;", "  return 1;"),
    ("leaves.h", "  if (noted.is_off || !behind) return behind;", "  if (!behind) return behind;"),
    ("values.h", "  if (!is_leaf) return p;\n", "  return p;\n"),
    ("values.h", "  noted.count = leaves;\n", ""),
    ("kernel.c", "  noted.is_off = 1;\n  const u8 *behind = field", "  const u8 *behind = field"),
    ("kernel.c", "    back_to(before);\n    n = parsed(p);", "    n = parsed(p);"),
    ("kernel.c", "  id_count = 0;\n", ""),
    ("shapes.h", "  hole_count = mark.holes;\n", ""),
    ("shapes.h", "  id_count = mark.ids;\n", ""),
    (
        "kernel.c",
        "  shapes.count = shapes.bytes = keys.count = keys.bytes = 0;\n  forget_layouts();\n",
        "  shapes.count = shapes.bytes = keys.count = keys.bytes = 0;\n",
    ),
    ("shapes.h", "  if (id.size > ID_BYTES_MAX) return 0;\n", ""),
    ("shapes.h", "  while (known < id_count && !(", "  while (known < id_count && ("),
    (
        "shapes.h",
        "among->hashes[known] != h || among->sizes[known] != size) continue;\n    if (equal(",
        "among->sizes[known] != size) continue;\n    if (1 || equal(",
    ),
    ("values.h", "    if (m.is_escaped) return unsure();\n", ""),
    ("values.h", "equal(before[i].at, name.at, name.size)) return 0;\n  if (*count", "0) return 0;\n  if (*count"),
    ("values.h", "(is_of_counts || is_of_objects) && !is_another(", "is_of_counts && !is_another("),
    ("values.h", "(is_of_counts || (is_of_objects && *p == '{'))", "is_of_counts"),
    ("values.h", "kind_of_owner == OBJECTS ? UNREAD_BUT_OBJECTS : UNREAD;", "UNREAD;"),
    ("bodies.h", "  if (*p != ']') return unsure();\n  *o++ = LIST;", "  *o++ = LIST;"),
    ("values.h", "if (has_affix(name) || (owner", "if ((owner"),
    ("values.h", " || (owner == OF_LINE && name.size > NAME_BYTES_MAX)) return", ") return"),
    ("values.h", "  if (kind_of_owner == HEADERS && is_meant_in_capitals(name, owner)) return unsure();\n", ""),
    ("names.h", "    if (name.at[i] >= 0x80) return 1;", "    ;"),
    ("names.h", "(names[n].kind == NEVER || names[n].kind == KEYED)", "names[n].kind == NEVER"),
    ("names.h", "name.at[i] >= 'A' && name.at[i] <= 'Z' ? name.at[i] | 32 : name.at[i];", "name.at[i];"),
    ("names.h", "  for (u32 i = 0; i < affix_count; i++) {", "  for (u32 i = 1; i < affix_count; i++) {"),
    ("names.h", "names[i].kind == ENDING ? name.at + name.size - size : name.at", "name.at"),
    ("scalars.h", "    if (!is_digit(t.at[i])) return 0;\n    n = n * 10", "    n = n * 10"),
    ("scalars.h", "return t.size == 1 && *t.at == '-';", "return 0;"),
    ("bodies.h", "p[1] == 'n' || p[1] == 'r' || p[1] == 't'", "1"),
    ("bodies.h", "  if (is_in_scratch) return unsure();\n", ""),
    ("bodies.h", "if (is_in_scratch || !(p = decoded(", "if (!(p = decoded("),
    ("values.h", "  if (has_others) *o++ = OTHERS;\n", ""),
    ("scalars.h", "  if (n > COUNT_MAX) return unsure();\n", ""),
    (
        "scalars.h",
        "  if (n) may_vary(begin, NUMBER), put_hole(COUNT, n);\n  else *o++ = ZERO;",
        "  may_vary(begin, NUMBER), put_hole(COUNT, n);",
    ),
    ("scalars.h", "  *o++ = *p == '\"' ? NO_TEXT : TEXT;", "  *o++ = TEXT;"),
    (
        "scalars.h",
        "  if (*end != '\"') return string(p) ? unsure() : 0;",
        "  if (*end != '\"') { if (!(end = string(p))) return 0; *found = (Text){p, (u32)(end - 1 - p)}; return end; }",
    ),
    ("scalars.h", "e == behind ? !is_whole : is_below_one", "e == behind ? dot < e : is_below_one"),
    ("scalars.h", "!is_zero && e[1] == '-' && dot", "!is_zero && dot"),
    ("chunks.h", "      run.lengths[i]++;\n", ""),
    ("chunks.h", "  if (!is_other_kind && !end_run()) return -1;", "  if (!is_other_kind) run.kinds = 0;"),
    ("chunks.h", "  if (is_counted && equal(o - size, chunk, size)) {", "  if (is_counted) {"),
    ("chunks.h", "holes[counted.first_hole + i] = counts[i];\n", ";\n"),
    ("chunks.h", "  if (*p != '\\\\') return 0;\n  if (p[1] == 'u')", "  if (p[1] == 'u')"),
    ("chunks.h", "  if (p[1] != '\\\\') return 0;\n  switch", "  switch"),
    ("chunks.h", "    return code < 0x20 || code == '\"' || code == '\\\\' ? 0 : p + 6;", "    return p + 6;"),
    ("chunks.h", "return p[3] == '\"' || p[3] == '\\\\' ? p + 4 : 0;", "return p + 4;"),
    ("chunks.h", "hex4(p + 3) < 0 ? 0 : p + 7;", "p + 7;"),
    ("chunks.h", "0 : p + 7;\n  default: return 0;", "0 : p + 7;\n  default: return p + 3;"),
    ("chunks.h", " || !same(p, form->parts[i], size)) return 0;", ") return 0;"),
    ("chunks.h", "    found |= (u32)(end == p) << i;\n", ""),
    ("bodies.h", "  if (p && blanks(p) != end) p = unsure();\n", ""),
    ("bodies.h", "return is_cut ? CHUNK_CUT : CHUNK_UNSURE;", "return CHUNK_CUT;"),
    (
        "bodies.h",
        (
            "      } else if ((*payload != '[' && payload != end) || may_be_escaped(payload, end)) {\n"
            "        return unsure(); "
            "/* [DONE] says nothing, and nothing neither */\n"
        ),
        "",
    ),
    (
        "bodies.h",
        "    } else if (!is_silent(scratch, size) || may_be_escaped(scratch, end)) {\n      return unsure();\n",
        "",
    ),
    ("bodies.h", "      if (is_pending) return unsure();\n", ""),
    ("bodies.h", " || may_be_escaped(payload, end)) {", ") {"),
    ("bodies.h", " || may_be_escaped(scratch, end)) {", ") {"),
    ("rows.h", "  if (kind == NESTED) return nested(p, depth);\n", ""),
    ("rows.h", "return inside(p, name + OF_INNER, depth);\n  return", "return inside(p, OF_BODY, depth);\n  return"),
    ("rows.h", "*p == '\"' && kind == LITERAL ? as_written", "*p == '\"' ? as_written"),
    ("rows.h", "*p == '\"' && kind == LITERAL ? as_written", "kind == LITERAL ? as_written"),
    ("bodies.h", "put_text(has_escapes ? ESCAPED : WORD,", "put_text(WORD,"),
    ("bodies.h", "  if (*p == '{') return document(p, OF_BODY, &has_more);\n", ""),
    ("bodies.h", '  return begins_with(p, "\\\\u00") ? unsure() : textual(text);', "  return textual(text);"),
    (
        "bodies.h",
        "  const u8 *text = ++p;\n  for (int size; (size = blank",
        "  const u8 *text = ++p;\n  for (int size; 0 && (size = blank",
    ),
    ("names.h", "own == NO_NAME && owner >= OF_INNER ?", "owner >= OF_INNER ?"),
    ("rows.h", " && !is_usual_number(p + 1)) return unsure();", " && p[1] == '-') return unsure();"),
    ("rows.h", "  return *p != '0' && end > p && *end == '\"';", "  return end > p && *end == '\"';"),
    ("rows.h", "  return *p != '0' && end > p && *end == '\"';", "  return *p != '0' && end > p;"),
    ("scalars.h", "  if (n > COUNT_MAX) return 0; /* it stands in the shape as it is */\n", ""),
    (
        "values.h",
        "    if (is_one && was_fraction) o = element;",
        "    if (is_one && element[-1] == FRACTION) o = element;",
    ),
    ("bodies.h", " && p[7] != 'e' && p[7] > ' ' && p[7] < 0x7F;", ";"),
    ("bodies.h", "return stopped && blanks(stopped) == end ?", "return stopped ?"),
    ("instants.h", "  if (day > days_of[month - 1] + (month == 2 && is_leap)) return -1;\n", ""),
    ("instants.h", "  if (days < 0 || time < 0) return unsure();\n", ""),
    ("instants.h", "put_hole(MILLISECONDS_TEXT, us * 1000);", "put_hole(MILLISECONDS_TEXT, us);"),
    ("instants.h", " && hours <= 23 && minutes <= 59 && seconds <= 59;", ";"),
    ("instants.h", "p[2] == ':' && p[5] == ':' && hours", "hours"),
    ("instants.h", "  if (hours > 23 || rest > 59) return 0;\n", ""),
    ("instants.h", "sign = *p == '-' ? -1 : 1", "sign = *p == '-' ? 1 : -1"),
    ("instants.h", "  if (*p != '+' && *p != '-') return 0;\n", ""),
    ("kernel.c", "p && blanks(p) == text_end ?", "p ?"),
    ("kernel.c", "group->is_utf8 || is_utf8(group->at, stopped) ?", "1 ?"),
    (
        "instants.h",
        "  if (us < EARLIEST_US || us >= LATEST_US) return unsure();\n  put_hole(token",
        "  put_hole(token",
    ),
    ("chunks.h", "  if (*p == '0') return 0;\n  for (*n = 0;", "  for (*n = 0;"),
    ("chunks.h", "  return p > begin && *n <= COUNT_MAX ? p : 0;", "  return *n <= COUNT_MAX ? p : 0;"),
    ("chunks.h", "  return p > begin && *n <= COUNT_MAX ? p : 0;", "  return p > begin ? p : 0;"),
    ("chunks.h", "  if (counts != counted.holes) return p;", "  ;"),
    ("chunks.h", " && (empty & asked) == before; p = behind) replace", "; p = behind) replace"),
    ("scalars.h", " && !are_zeros(e + 2, behind);", ";"),
    ("scalars.h", "is_whole = are_zeros(dot + 1, e), is_zero", "is_whole = dot == e, is_zero"),
    ("scalars.h", " && dot == begin + 1 && ", " && "),
    ("raw_keys.h", "      if (is_behind_beginning(end, groups[first])) key_places", "      key_places"),
    ("raw_keys.h", " && equal(behind - *row, row + KEY_BEGINNING_BYTES_MAX - *row, *row)", ""),
    ("rules.h", "    if (relation == IS_ZERO && found != 0) return 0;\n", ""),
    ("rules.h", "    if (relation == IS_NO_ZERO && found == 0) return 0;\n", ""),
    ("rules.h", "    if (relation == IS_NOT_NEGATIVE && found < 0) return 0;\n", ""),
    ("rules.h", " && rule_behind[rule])", " && 0)"),
    ("rules.h", "word ? rule : NO_RULE;", "rule;"),
    ("raw_keys.h", "      if (end > size) break;\n", ""),
    ("identities.h", "  to[padded - 2] = (u8)(size >> 5);\n", ""),
    ("identities.h", "    if (!id_size) continue;\n", ""),
    ("identities.h", "each < IDS_OF_IDENTITY", "each < 1"),
    ("identities.h", "firsts[i] = behind_first(n);", "firsts[i] = 64;"),
    ("identities.h", "  begin(beginning_count);\n", ""),
    ("identities.h", "(state[i] & goes_on) | (before[i] & ~goes_on)", "state[i]"),
    ("json.h", "    if (*p != (u8)*letters) return broken(p);\n  return p;", "    ;\n  return p;"),
    ("json.h", "  else if (!is_digit(*p)) return broken(p);\n", "  else if (!is_digit(*p)) ;\n"),
    (
        "json.h",
        "    if (!is_digit(*p)) return broken(p);\n    while (is_digit(*p)) p++;\n  }\n  return p;",
        "  }\n  return p;",
    ),
    ("json.h", "  if (*p != '\"') return no_member(p);\n", ""),
    ("json.h", "return found == LAST_MEMBER ? p : 0;\n}\n\nstatic", "return p;\n}\n\nstatic"),
    ("json.h", "return found == LAST_MEMBER ? p : 0;\n}\n\n/* Any", "return p;\n}\n\n/* Any"),
    ("shapes.h", "  if (t.size > WORD_BYTES_MAX) return 0;\n", ""),
    ("shapes.h", "known == IDS_MAX ||", ""),
    ("shapes.h", "  int n = key.size > ID_BYTES_MAX ? -1 : number_of(", "  int n = number_of("),
    ("shapes.h", "  if (n == NUMBERED_MAX || among->bytes + size > NUMBERED_BYTES_MAX) return -1;\n", ""),
    ("scalars.h", "size > 18 || ", ""),
    ("scalars.h", "!(is_zero || dot == behind)", "dot != behind"),
    ("scalars.h", "!(is_zero || dot == behind)", "0"),
    ("scalars.h", "named(found, name + OF_INNER) == NO_NAME", "1"),
    ("scalars.h", "named(found, name + OF_INNER) == NO_NAME", "0"),
    ("bodies.h", "  if (chunk_shape) return unsure();\n", ""),
    ("bodies.h", "  noted.is_off = 1;\n  const u8 *behind = response", "  const u8 *behind = response"),
    (
        "scalars.h",
        "  if (behind - p > 13) return unsure();\n  for (; p < behind; p++) {\n    if",
        "  for (; p < behind; p++) {\n    if",
    ),
    (
        "scalars.h",
        "    if (!is_digit(*p)) return literal_number(begin);\n    n = n * 10 + (*p - '0');\n  }\n  if (n > COUNT_MAX)",
        "    n = n * 10 + (*p - '0');\n  }\n  if (n > COUNT_MAX)",
    ),
    ("scalars.h", "  if (!found.size || (kind", "  if ((kind"),
    ("scalars.h", "  if (*p == '\"') return textual(p + 1);\n", ""),
    ("scalars.h", "    if (*blanks(p + 1) != *p + 2) *o++ = OTHERS;\n", ""),
    ("scalars.h", "p < behind && *p != 'e' && *p != 'E'; p++) has_digit", "p < behind; p++) has_digit"),
    ("scalars.h", "    *o++ = has_digit ? FRACTION : ZERO;", "    *o++ = FRACTION;"),
    ("values.h", "kind == TIMED || kind == PRESENT;", "kind == TIMED;"),
    ("values.h", "  if (!has_room()) return unsure();\n  if (kind == RESPONSE)", "  if (kind == RESPONSE)"),
    ("values.h", "  if (found != LAST_MEMBER) return 0;\n  if (!has_room()) return unsure();\n  if (has", "  if (has"),
    ("bodies.h", "return has_chunks && end_chunks()", "return end_chunks()"),
    (
        "instants.h",
        " || p[7] != '-' || (p[",
        " || (p[",
    ),
    ("instants.h", "month < 1 || month > 12 || ", ""),
    ("instants.h", " || day < 1) return -1;", ") return -1;"),
    ("instants.h", "    if (!is_digit(*++p)) return unsure();\n", "    p++;\n"),
    ("instants.h", "  else return unsure();\n  i64 us", "  i64 us"),
    ("instants.h", "  if (*p != '\"' || us < EARLIEST_US", "  if (us < EARLIEST_US"),
    (
        "instants.h",
        " || us < EARLIEST_US || us >= LATEST_US) return unsure();\n  put_hole(token, us);\n  return p + 1",
        ") return unsure();\n  put_hole(token, us);\n  return p + 1",
    ),
    ("instants.h", "    if (p - begin == 19) return unsure();\n", ""),
    ("instants.h", "if (p == fraction || p - fraction > 9) return unsure();", "if (p - fraction > 9) return unsure();"),
    ("instants.h", "if (p == fraction || p - fraction > 9) return unsure();", "if (p == fraction) return unsure();"),
    ("instants.h", "    return read && read == behind ? behind : unsure();", "    return read ? behind : unsure();"),
    (
        "instants.h",
        "  return p && *p == '\"' ? p + 1 : unsure();\n}\n\n/* Seconds as",
        "  return p ? p + 1 : unsure();\n}\n\n/* Seconds as",
    ),
    ("instants.h", "  else if (may_be_naive) token", "  else if (1) token"),
    ("instants.h", "    if (p == begin) return -1;\n", ""),
    ("instants.h", "p[0] == names[3 * i] && ", ""),
    ("instants.h", " && p[2] == names[3 * i + 2]", ""),
    ("instants.h", "*form == 'D' || is_digit(p[1]) ?", "is_digit(p[1]) ?"),
    ("instants.h", "!is_digit(*p) || day > 31", "day > 31"),
    ("instants.h", "if (!is_digit(p[1]) || !is_digit(p[3]) || !(p", "if (!(p"),
    ("instants.h", "*p != '(' && *p != ')' &&", "*p != ')' &&"),
    ("instants.h", " && *p != '\"' && *p != '\\\\' && *p != '('", " && *p != '\"' && *p != '('"),
    ("instants.h", " && p - begin < 64) p++;", ") p++;"),
    ("instants.h", "us >= LATEST_US || *behind != '\"') continue;", "us >= LATEST_US) continue;"),
    ("instants.h", "    if (us < EARLIEST_US || us >= LATEST_US || *beh", "    if (*beh"),
    ("instants.h", "p - begin < 10; p++) us", "1; p++) us"),
    ("instants.h", "is_digit(*p) && unit > 1; p++)", "is_digit(*p); p++)"),
    ("instants.h", "  if (is_text ? *p != '\"' : p != behind) return unsure();\n", ""),
    ("kernel.c", "  case NEVER: return unsure();\n", "  case NEVER: *o++ = NOTHING; return value(p, depth);\n"),
    ("kernel.c", "  p = *p == '{' ? object(p, OF_LINE, 0) : unsure();", "  p = object(p, OF_LINE, 0);"),
    ("kernel.c", "  rows = rows_before;\n", ""),
    ("values.h", "if (!put_name(name, seen) || is_behind_rows)", "if (!put_name(name, seen))"),
    ("rows.h", "  if (hole_count + LINE_HOLES_MAX + 8 > HOLES_MAX) return 0;\n", ""),
    ("rows.h", "    id_count = before.ids;\n    is_behind_rows", "    is_behind_rows"),
    ("rows.h", "    is_behind_rows = 1;\n", ""),
    ("rows.h", "*p != '{' || !begin_row", "!begin_row"),
    ("rows.h", "  noted.count = LEAVES_MAX + 1;", ""),
    ("rows.h", "  if (*p != '{' || depth >= depth_max) return unsure();\n  *o++ = OPEN", "  *o++ = OPEN"),
    ("rows.h", "  if (kind == EVERY && *p == '{') return unsure(); /* which is a text, or nothing */\n", ""),
    ("rows.h", "    if (name == NO_NAME && counts_tokens(key)) return unsure();\n", ""),
    (
        "rows.h",
        "while (word[n] && (p[n] | 0x20) == (u8)word[n]) n++;",
        "while (word[n] && p[n] == (u8)word[n]) n++;",
    ),
    ("rows.h", ' || has_word(name, "max") || has_word', " || has_word"),
    ("rows.h", ' || has_word(name, "first")) return 0;', ") return 0;"),
    ("rows.h", '  return !begins_with(name.at, "ai.usage.") && ', "  return "),
    ("rows.h", '!begins_with(name.at, "gen_ai.usage.details.") &&\n', "1 &&\n"),
    ("rows.h", '!begins_with(name.at, "gen_ai.aggregated_usage.") && ', ""),
    ("rows.h", ' && !begins_with(name.at, "llm.token_count.");', ";"),
    ("json.h", "  if (*is_inside && *p != ',') return no_member(p);\n", ""),
    (
        "values.h",
        "  if (found != LAST_MEMBER) return 0;\n  if (!has_room()) return unsure();\n  *o++ = LIST_END",
        "  *o++ = LIST_END",
    ),
    ("bodies.h", "return found == LAST_MEMBER && end_chunks()", "return end_chunks()"),
    ("rows.h", "  return found == LAST_MEMBER ? p : 0;", "  return p;"),
    ("rows.h", "  if (found != LAST_MEMBER || !has_room()) return unsure();\n  *o++ = CLOSE", "  *o++ = CLOSE"),
    ("rows.h", "  if (found != LAST_MEMBER || !has_room()) return unsure();\n  if (has", "  if (has"),
    ("rows.h", "    if (*p != '{' || next(&p, &m) != MEMBER || ", "    if (next(&p, &m) != MEMBER || "),
    ("rows.h", '!begins_with(m.key.at, "key\\"") || ', ""),
    ("rows.h", " || *p != '\"') return unsure();\n    if (!(p = simple", ") return unsure();\n    if (!(p = simple"),
    ("rows.h", ' || !begins_with(m.key.at, "value\\"")) return', ") return"),
    ("rows.h", "    if (next(&p, &m) != LAST_MEMBER) return unsure();\n", "    next(&p, &m);\n"),
    ("json.h", " | (escaped & ~slashes & ~bits((v16)(c == all('\"'))));", ";"),
    ("json.h", "      if (*p != '\"') return broken(p);\n      break;", "      break;"),
    ("json.h", "    is_escaped = 0;\n    const u8 *behind = escaped", "    const u8 *behind = escaped"),
    ("json.h", "o += skipped - (u32)__builtin_popcount(gone & ((1u << skipped) - 1));", "o += skipped;"),
    ("kernel.c", "    if (group.open) continue;\n", ""),
    ("kernel.c", "  if (group->is_odd) return ODD;\n", ""),
    ("kernel.c", "return group->begins_again && fate != TOLD ? ODD : fate;", "return fate;"),
    ("kernel.c", "begin < limit && lines < lines_max", "begin < limit"),
    (
        "wrapped.h",
        "if (*form == '0' ? !is_digit(*p) : *p != (u8)*form) return 0;",
        "if (*form == '0' ? 0 : *p != (u8)*form) return 0;",
    ),
    (
        "wrapped.h",
        "if (*form == '0' ? !is_digit(*p) : *p != (u8)*form) return 0;",
        "if (*form == '0' && !is_digit(*p)) return 0;",
    ),
    ("wrapped.h", "  if (p == time) return 0;\n", ""),
    (
        "wrapped.h",
        "else if ((*p != '+' && *p != '-') || !(p = formed(p + 1, \"00:00\"))) return 0;",
        "else if (*p == '+' && !(p = formed(p + 1, \"00:00\"))) return 0;",
    ),
    ("wrapped.h", '!(p = formed(p + 1, "00:00"))', '!(p = formed(p + 1, "00"))'),
    ("wrapped.h", '  if (held->stream == STDERR && !begins_with(p, " stderr ")) return 0;\n', ""),
    ("wrapped.h", "if ((*p != 'F' && *p != 'P') || p[1]", "if (p[1]"),
    ("wrapped.h", " || p[1] != ' ') return 0;", ") return 0;"),
    ("wrapped.h", "group->is_odd |= is_sure && !stopped[-1];", ""),
    ("wrapped.h", "  held->end = without_cr(to, held->end);\n", ""),
    ("wrapped.h", "  return *p == '\"' ? p + 1 : 0;", "  return p + 1;"),
    ("wrapped.h", "  if (*p != '{') return 0;\n  while", "  while"),
    ("wrapped.h", "    if (which == MEMBERS) return 0;\n", ""),
    ("wrapped.h", "if (*p != '\"' || !(p = written(", "if (!(p = written("),
    ("wrapped.h", '      if (held->stream == STDERR && !begins_with(p, "\\"stderr\\"")) return 0;\n', ""),
    ("wrapped.h", " || p - begin > BESIDE_BYTES_MAX", ""),
    ("wrapped.h", "return found == LAST_MEMBER && blanks", "return blanks"),
    ("wrapped.h", " && blanks(p) == text_end && seen", " && seen"),
    ("wrapped.h", " && seen >> LOG & 1", ""),
    ("wrapped.h", " && seen >> TIME & 1", ""),
    ("wrapped.h", "u8 *stopped = without_cr(p, end), kept", "u8 *stopped = end, kept"),
    ("wrapped.h", "(is_ascii || is_utf8(p, stopped)) && out_of_docker", "out_of_docker"),
    ("wrapped.h", " || group->open & ~(1u << held.stream)", ""),
    ("wrapped.h", "group->open = (group->open & ~(1u << held.stream)) | ", "group->open = "),
    ("wrapped.h", "wrapper == OF_CRI && is_ascii && (is_first", "is_ascii && (is_first"),
    ("wrapped.h", "is_ascii && (is_first || group->is_utf8);", "is_ascii;"),
    ("wrapped.h", "if (*p != '\"' || p == name ||", "if (p == name ||"),
    ("wrapped.h", " || p == name", " || 0"),
    ("wrapped.h", " || p - name > 64", ""),
    (
        "wrapped.h",
        " || *(colon = behind_blanks(p + 1)) != ':') continue;",
        ") continue;\n    colon = behind_blanks(p + 1);",
    ),
    ("wrapped.h", "    if (is_digit(c) ||", "    if (1 || is_digit(c) ||"),
    ("wrapped.h", "    if (is_digit(c) ||", "    if ("),
    ("wrapped.h", "p - name > 64", "p - name > 63"),
    ("wrapped.h", "while (*p == ' ') p++;", "while (*p == ' ' || *p == '\\t') p++;"),
)
"""File, check, and what stands in its place.

Some checks are not here, since what they see to is seen to twice; without them the same lines come out the same way.

Rules see to the same: that chunks of a run are alike, that of chunks in a row the last one's counts stand for all, that
no name is stated twice, that a chunk that was cut leaves nothing behind, and that an object has no more counts by any
name than ``ANY_NAMES_MAX`` (no rule adds up half as many). Without them shapes are odder, and the plain
reader, asked what they amount to, sees what is odd in them. So it is with the depth of what is looked at, which stands
in the shape, and with whole numbers that are not plain digits.

The next step sees to the same: a hole that is looked for at a wrong place is not found; of arrays, what tells them from
one document is asked twice; an array's
elements that are no objects, headers of the response that are not null, and text before a stream's first line are
refused by whatever reads them; a name longer than any is no name, and one of a count longer than words is no
shape; a number beyond nanoseconds is beyond the century; what is no digit makes the
code of a character negative, and that is below a blank's; a chunk that goes on beyond the line meets the zero
byte behind it, and so does what is fixed in a layout. A shape is no beginning of another one, so layouts' sizes need
not be compared; a leaf that cannot be read cannot be read by any layout, nor by parsing. Where an object may begin, and
what is taken for a word, only makes lines quicker; so does it that a duration may be a word
(`-`). A group of rows would be a row that says nothing, and
what is nested too deep under the key of an attribute that nobody looks at is left out by the plain reader as well.

``has_room`` sees to the same: a member of an object (its value asks again), a run, and a chunk with counts (the end of
the object asks again, before a shape is numbered). What they would write beyond room is two chunks at most, into memory
that nothing reads.

The host sees to the same: no block has more ids or lines than its bytes, and no more names than ``Program`` asks for.
Without the bound of rows the program writes over its own memory and may never end, so no mutant is without; a test has
more rows.
"""
_ASKED = (
    "tests/collectors/kernel/test_checks.py",
    "tests/collectors/kernel/test_wrapped.py",
    "tests/collectors/kernel/test_rows.py",
    "tests/collectors/kernel/test_layouts.py",
    "tests/collectors/kernel/test_raw_ids.py",
    "tests/collectors/kernel/test_formats.py",
    "tests/collectors/kernel/test_blocks.py",
    "tests/collectors/kernel/rules/test_kept_counts.py",
)
_SUITE = (
    *("-q", "-x", "-n", "0", "-p", "no:faulthandler", "-p", "no:cacheprovider", "--tb=line"),
    *(str(_ROOT / name) for name in _ASKED),
    *("-k", "not its_sources_make and not test_both_readers and not test_most_lines and not looks_nowhere"),
    *("-m", "not slow"),  # what is long is asked as well: more keys than there is room for are many
)
_FORMATS = (
    LogFormat(),
    LogFormat(depth_max=5),
    LogFormat(identity="both"),
    LogFormat(fields={"request_id": "request.model"}),
)


def _builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kernel_builder", _ROOT / ".ci" / "kernel.py")
    if spec is None or spec.loader is None:
        message = ".ci/kernel.py is not beside benchmarks/"
        raise click.ClickException(message)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _mutated(builder: ModuleType, file: str, check: str, other: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        for source in builder.SOURCE.iterdir():
            text = source.read_text(encoding="utf-8")
            if source.name == file:
                if check not in text:
                    message = f"{file} has no {check!r} any more"
                    raise click.ClickException(message)
                text = text.replace(check, other, 1)
            (Path(folder) / source.name).write_text(text, encoding="utf-8")
        try:
            found: bytes = builder.built(Path(folder), warns=False)
        except subprocess.CalledProcessError:
            message = f"{file}: without {check!r} it cannot be compiled"
            raise click.ClickException(message) from None
        return found


def _noticed(kernel: bytes, seconds: float) -> str | None:
    """Return what noticed another kernel; ``None`` where nothing did. To be run in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        compiled.KERNEL = Path(folder) / "kernel.wasm"
        compiled.KERNEL.write_bytes(kernel)
        return _failed_test() or _told_line(seconds)


def _failed_test() -> str | None:
    """Return the test that fails first; ``None`` where all pass."""
    failed = _Failed()
    with Path(os.devnull).open("w") as nothing, redirect_stdout(nothing):
        code = pytest.main([*_SUITE], plugins=[failed])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        message = f"the tests of the kernel did not run: pytest ended with {code}"
        raise click.ClickException(message)
    return failed.name


class _Failed:
    name: str | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.name is None:
            self.name = report.nodeid.partition("::")[2]


def _told_line(seconds: float) -> str | None:
    """Return how many lines made by chance it took to notice; ``None`` where none did."""
    table.LEARNED_FROM_BYTES = 0  # in this process, which does nothing else
    makers = [fuzz.made_by(f"{number}", share) for number, share in enumerate((1.0, 1.0, 0.0))]
    decoders = [BlockDecoder(source="s", log_format=each, fingerprint=fuzz.fingerprint) for each in _FORMATS]
    end, read = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for number, decoder in enumerate(decoders):
            lines = [makers[(read + number) % len(makers)].made().content for _ in range(100)]
            read += len(lines)
            try:
                is_noticed = fuzz.compared(lines, decoder).differing or decoder.failures
            except (LookupError, ValueError, TypeError) as error:  # nothing else that is wrong comes out
                return f"{read} lines, by {type(error).__name__}"
            if is_noticed:
                return f"{read} lines"
    return None


@click.command(name="kernel")
@click.option("--seconds", default=15.0, show_default=True, help="How long to look for a line that tells a mutant.")
@click.option("--skip", default=0, help="So many of the first are left out.")
@click.option("--only", default="", help="Mutants whose file, or check, has this text in it.")
@click.option("--processes", default=1, show_default=True, type=click.IntRange(min=1), help="Try so many at once.")
def main(seconds: float, only: str, skip: int, processes: int) -> None:
    """Try every mutant, each in a process of its own: no rule is left there that another one taught.

    Exit code 1 where one is not noticed.
    """
    builder, survivors = _builder(), 0
    if (failed := _failed_test()) is not None:
        message = f"{failed} fails with the kernel as it is"
        raise click.ClickException(message)
    asked = [each for each in MUTANTS[skip:] if only in f"{each[0]}: {each[1]}"]
    with ProcessPoolExecutor(processes, max_tasks_per_child=1, mp_context=get_context("spawn")) as pool:
        found = [pool.submit(_noticed, _mutated(builder, *each), seconds) for each in asked]
        for (file, check, _), noticed in zip(asked, found, strict=True):
            by = noticed.result()
            survivors += by is None
            what = f"noticed by {by}" if by is not None else "NOT NOTICED"
            click.echo(f"{what}: {file}: {' '.join(check.split())[:100]}")
    click.echo(f"{survivors} not noticed")
    sys.exit(1 if survivors else 0)
