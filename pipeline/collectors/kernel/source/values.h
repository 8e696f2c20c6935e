/* Values under names: objects, arrays, counts, ids, texts, each to its token and its hole. */
#pragma once
#include "layouts.h"
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

/* ---- values ---- */

static const u8 *object(const u8 *p, u32 owner, int depth);

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

/* Whether a value is mostly what it was in the line before. */
static inline int is_word(const u8 *p, u32 kind) { return kind == LITERAL || *p == 't' || *p == 'f' || *p == 'n'; }

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

static const u8 *instant(const u8 *p);

static const u8 *stream_within(const u8 *p, int depth);

static const u8 *list_under(const u8 *p, u32 kind, int depth);

static const u8 *null(const u8 *p) {
  *o++ = NOTHING;
  return word(p, "null");
}

/* A value that is no object and no array. */
static inline const u8 *scalar_under(const u8 *p, u32 kind) {
  if (kind == TIMED) return instant(p);
  switch (*p) {
  case '"': return text_under(p + 1, kind);
  case 't': *o++ = TRUE; return word(p, "true");
  case 'f': *o++ = FALSE; return word(p, "false");
  case 'n': return null(p);
  default: return kind == COUNTED ? count(p) : literal_number(p);
  }
}

/* The value under a name of a body. `depth` containers are open around it. */
static const u8 *value_under(const u8 *p, u32 kind, int depth) {
  if (!has_room()) return unsure();
  if (kind == RESPONSE) return stream_within(p, depth);
  int is_leaf = kind == TIMED || kind == PRESENT;
  if (*p == '{' && !is_leaf) return object(p, OF_BODY, depth);
  if (*p == '[' && !is_leaf) return list_under(p, kind, depth);
  const u8 *begin = o, *behind = kind == PRESENT ? present(p, depth) : scalar_under(p, kind);
  return note(reader(OF_KIND, kind, depth), p, behind, begin, is_word(p, kind));
}

/* An array. Of one with an element that is no object and no array, the whole is a leaf: these come in any number. */
static const u8 *list_under(const u8 *p, u32 kind, int depth) {
  const u8 *at = p, *begin = o;
  u32 leaves = noted.count;
  int found, is_inside = 0, is_leaf = 0, was_fraction = 0;
  if (depth >= depth_max) return unsure();
  *o++ = LIST;
  while ((found = next_element(&p, &is_inside)) == MEMBER) {
    u8 *element = o;
    is_leaf |= *p != '{' && *p != '[';
    if (!(p = value_under(p, kind, depth + 1))) return 0;
    int is_one = *element == FRACTION;
    if (is_one && was_fraction) o = element; /* of fractions in a row, one stands for all */
    was_fraction = is_one;
  }
  if (found != LAST_MEMBER) return 0;
  if (!has_room()) return unsure();
  *o++ = LIST_END;
  if (!is_leaf) return p;
  noted.count = leaves;
  return note(reader(OF_KIND, kind, depth), at, p, begin, 0);
}

/* Puts a name into a shape; 0 where it is stated twice, or there is no room. */
static int put_name(u32 name, u64 *seen) {
  if (seen[name / 64] >> name % 64 & 1 || !has_room()) return 0;
  seen[name / 64] |= (u64)1 << name % 64;
  *o++ = NAME;
  *o++ = (u8)(0x40 | name >> 6);
  *o++ = (u8)(0x40 | (name & 63));
  return 1;
}

enum { ANY_NAMES_MAX = 16 };

/* Notes a name of an object of which all names are looked at; `before` are those before it. One that is stated twice is
   handed over. */
static int is_another(Text name, Text *before, u32 *count) {
  for (u32 i = 0; i < *count; i++)
    if (before[i].size == name.size && equal(before[i].at, name.at, name.size)) return 0;
  if (*count == ANY_NAMES_MAX || name.size > NAME_BYTES_MAX || !has_room()) return 0;
  before[(*count)++] = name;
  return 1;
}

/* The value under such a name, which stands in the shape. */
static const u8 *any_member(const u8 *p, Text name, u32 kind, int depth) {
  *o++ = ANY_NAME;
  put_word(name);
  return value_under(p, kind, depth);
}

/* The value under a name that nobody looks at, which is left out; the name is handed over where it is looked at all the
   same. */
static const u8 *unread(const u8 *p, Text name, u32 owner, u32 kind_of_owner, int depth) {
  if (has_affix(name) || (owner == OF_LINE && name.size > NAME_BYTES_MAX)) return unsure();
  if (kind_of_owner == HEADERS && is_meant_in_capitals(name, owner)) return unsure();
  const u8 *behind = value(p, depth);
  if (!behind) return 0;
  u32 by = kind_of_owner == OBJECTS ? UNREAD_BUT_OBJECTS : UNREAD;
  note(reader(by, 0, depth), p, behind, o, behind - p <= UNREAD_WORD_BYTES_MAX);
  if (*p == '"') may_vary(p + 1, FIXED);
  return behind;
}

/* An object: members by names that are looked at, and whether there are others. A name that is stated twice, or that
   has an escape, is handed over. `depth` containers are open around it. */
static const u8 *object(const u8 *p, u32 owner, int depth) {
  Members m = {0};
  u64 seen[NAMES_MAX / 64] = {0};
  u32 kind_of_owner = owner < OF_INNER ? LITERAL : names[owner - OF_INNER].kind;
  int found, has_others = 0, is_of_counts = kind_of_owner == EVERY, is_of_objects = kind_of_owner == OBJECTS;
  Text any[ANY_NAMES_MAX];
  u32 any_names = 0;
  if (depth >= depth_max) return unsure();
  *o++ = OPEN;
  while ((found = next(&p, &m)) == MEMBER) {
    if (m.is_escaped) return unsure();
    u32 name = named(m.key, owner);
    if (name == NO_NAME && (is_of_counts || is_of_objects) && !is_another(m.key, any, &any_names)) return unsure();
    if (name == NO_NAME && (is_of_counts || (is_of_objects && *p == '{'))) {
      if (!(p = any_member(p, m.key, is_of_counts ? COUNTED : LITERAL, depth + 1))) return 0;
      continue;
    }
    if (name == NO_NAME) {
      has_others = 1;
      if (!(p = unread(p, m.key, owner, kind_of_owner, depth + 1))) return 0;
      continue;
    }
    if (!put_name(name, seen) || is_behind_rows) return unsure();
    p = owner == OF_BODY ? value_under(p, names[name].kind, depth + 1) : value_of_line(p, name, depth + 1);
    if (!p) return 0;
  }
  if (found != LAST_MEMBER) return 0;
  if (!has_room()) return unsure();
  if (has_others) *o++ = OTHERS;
  *o++ = CLOSE;
  return p;
}
