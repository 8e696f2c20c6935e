/* Values that are no object and no array: counts, ids, texts, each to its token and its hole. */
#pragma once
#include "names.h"

/* ---- what chunks may differ in ---- */

enum { VARYING_MAX = 16, FIXED = -1, NUMBER = -2 };

/* While a chunk is read: the strings of which nobody asks what is in them, and the token that says whether they are
   empty, where anybody asks that; and the counts. */
static struct {
  const u8 *at[VARYING_MAX]; /* behind the opening quote, or at the first digit */
  int tokens[VARYING_MAX];   /* offset in the shape of the chunk; FIXED; or NUMBER, of a count */
  u32 count;
} varying;
static const u8 *chunk_shape; /* where the shape of the chunk begins; 0 outside of streams */

static inline void may_vary(const u8 *at, int token) {
  if (!chunk_shape || varying.count == VARYING_MAX) return;
  varying.at[varying.count] = at;
  varying.tokens[varying.count++] = token;
}

/* ---- counts, ids, texts ---- */

static int are_zeros(const u8 *p, const u8 *end) {
  while (p < end && *p == '0') p++;
  return p >= end;
}

/* A whole number that is short enough to be exact, as it stands, and a zero however it is written. Of a fraction, that it
   is one: it has a part behind the dot that is not zero and no exponent, or it is below one. */
static const u8 *literal_number(const u8 *p) {
  const u8 *behind = number(p), *begin = p + (*p == '-'), *dot = digits(begin), *e = *dot == '.' ? digits(dot + 1) : dot;
  if (!behind) return 0;
  u32 size = (u32)(behind - p);
  int is_whole = are_zeros(dot + 1, e), is_zero = is_whole && are_zeros(begin, dot);
  int is_below_one = !is_zero && e[1] == '-' && dot == begin + 1 && !are_zeros(e + 2, behind);
  if (e == behind ? !is_whole : is_below_one) {
    *o++ = FRACTION;
    return behind;
  }
  if (size > 18 || !(is_zero || dot == behind)) return unsure();
  *o++ = DIGITS;
  put_number(size);
  copy(o, p, size);
  o += size;
  return behind;
}

/* Of a larger one the plain reader says whether it is a count. Whatever is added up in a line, which has no more holes
   than LINE_HOLES_MAX, is a count then: it is not above usage.TOKENS_MAX, which a test compares. */
static const i64 COUNT_MAX = 3906250000;

static const u8 *count(const u8 *p) {
  const u8 *behind = number(p), *begin = p;
  if (!behind) return 0;
  i64 n = 0;
  if (behind - p > 13) return unsure();
  for (; p < behind; p++) {
    if (!is_digit(*p)) return literal_number(begin);
    n = n * 10 + (*p - '0');
  }
  if (n > COUNT_MAX) return unsure();
  if (n) may_vary(begin, NUMBER), put_hole(COUNT, n);
  else *o++ = ZERO;
  return behind;
}

static const u8 *textual(const u8 *p) { /* p behind the quote */
  const u8 *behind = string(p);
  if (!behind) return 0;
  may_vary(p, (int)(o - chunk_shape));
  *o++ = *p == '"' ? NO_TEXT : TEXT;
  return behind;
}

/* A text without escapes. */
static const u8 *simple(const u8 *p, Text *found) {
  const u8 *end = plain(p);
  if (*end != '"') return string(p) ? unsure() : 0;
  *found = (Text){p, (u32)(end - p)};
  return end + 1;
}

/* A count that is written as a text, as in whole numbers of 64 bits. Twin: mapping.number; a zero and what is no plain
   number stand in the shape. */
static int put_count_text(Text t) {
  i64 n = 0;
  if (!t.size || t.size > 12 || *t.at == '0') return 0;
  for (u32 i = 0; i < t.size; i++) {
    if (!is_digit(t.at[i])) return 0;
    n = n * 10 + (t.at[i] - '0');
  }
  if (n > COUNT_MAX) return 0; /* it stands in the shape as it is */
  put_hole(COUNT_TEXT, n);
  return 1;
}

/* What logs write for an id that they do not have. Twin: access_logs.without_absent. */
static int is_absent(Text t) { return t.size == 1 && *t.at == '-'; }

static const u8 *text_under(const u8 *p, u32 kind) { /* p behind the quote */
  if (kind == TEXTUAL) return textual(p);
  Text found;
  if (!(p = simple(p, &found))) return 0;
  if (kind == COUNTED && put_count_text(found)) return p;
  if (!found.size || (kind != IDENTIFYING && kind != KEYED) || is_absent(found)) return put_word(found) ? p : unsure();
  return (kind == KEYED ? put_key(found) : put_id(found)) ? p : unsure();
}

/* Of any value, which kind of JSON it is, and whether it is true: not empty, and not zero. For names that are only looked
   for. */
static const u8 *present(const u8 *p, int depth) {
  if (*p == '"') return textual(p + 1);
  const u8 *behind = value(p, depth);
  int has_digit = 0;
  if (!behind) return 0;
  switch (*p) {
  case '{': case '[':
    *o++ = *p;
    if (*blanks(p + 1) != *p + 2) *o++ = OTHERS;
    *o++ = (u8)(*p + 2);
    break;
  case 't': case 'f': case 'n': *o++ = *p; break;
  default:
    for (; p < behind && *p != 'e' && *p != 'E'; p++) has_digit |= *p >= '1' && *p <= '9';
    *o++ = has_digit ? FRACTION : ZERO;
  }
  return behind;
}

/* A text of which anybody asks which of some words it is, which are names of what stands under its own. Of any other,
   whether it is empty. */
static const u8 *one_of_words(const u8 *p, u32 name) { /* p behind the quote */
  Text found;
  const u8 *behind = simple(p, &found);
  if (!behind || named(found, name + OF_INNER) == NO_NAME) return behind ? textual(p) : 0;
  return put_word(found) ? behind : unsure();
}

static const u8 *null(const u8 *p) {
  *o++ = NOTHING;
  return word(p, "null");
}
