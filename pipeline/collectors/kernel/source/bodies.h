/* Bodies to shapes: documents by the names that any family looks at, streams chunk by chunk, equal chunks once. */
#pragma once
#include "layouts.h"

/* ---- names ---- */

enum { NAMES_MAX = 1152, NAME_BYTES_MAX = 64, NAME_SLOTS = 4096, SUFFIXES_MAX = 8 };
enum { OF_BODY = 0, OF_LINE = 1, OF_INNER = 2 }; /* whose a name is; more are the objects of the line, by their name's number */

/* What is taken of the value under a name; `names.py` says which names are which, and why that is right. */
enum {
  LITERAL,      /* words and whole numbers as they are */
  COUNTED,      /* a whole number from 0 on is a hole */
  TEXTUAL,      /* of a text, whether it is empty */
  IDENTIFYING,  /* a text is a hole */
  INSIDE,       /* an object of the line, of which some names are looked at */
  KEYED,        /* a key or its id */
  TIMED,        /* an instant */
  RESPONSE,     /* the body */
  ONLY_NULL,    /* anything else is handed over */
  NEVER,        /* handed over, whatever it is */
  WHOLE,        /* an object, of which the names of bodies are looked at */
  PRESENT,      /* of which kind of JSON it is */
  EVERY,        /* an object of counts, of which all names are looked at */
  TIMED_IN_UTC, /* an instant, in UTC where it states no offset */
  HEADERS,      /* an object whose names are looked at in whatever letters */
};

static struct {
  u8 bytes[NAME_BYTES_MAX];
  u32 size, owner, kind;
} names[NAMES_MAX];
static u32 name_count, name_slots[NAME_SLOTS];
static struct {
  u8 bytes[NAME_BYTES_MAX];
  u32 size;
} suffixes[SUFFIXES_MAX], prefixes[SUFFIXES_MAX];
static u32 suffix_count, prefix_count;

enum { NO_NAME = NAMES_MAX };

static inline u32 slot_of(Text name, u32 owner) { return (u32)hash_of(name.at, name.size, owner) % NAME_SLOTS; }

static inline u32 named(Text name, u32 owner) {
  if (name.size > NAME_BYTES_MAX) return NO_NAME;
  for (u32 at = slot_of(name, owner); name_slots[at]; at = (at + 1) % NAME_SLOTS) {
    u32 n = name_slots[at] - 1;
    if (names[n].size == name.size && names[n].owner == owner && equal(names[n].bytes, name.at, name.size)) return n;
  }
  return NO_NAME;
}

/* Whether a name is one of an owner's but for its letters, of which those are small. */
static int is_named_in_capitals(Text name, u32 owner) {
  u8 small[NAME_BYTES_MAX + PAD];
  if (name.size > NAME_BYTES_MAX) return 0;
  for (u32 i = 0; i < name.size; i++) {
    if (name.at[i] >= 0x80) return 1; /* there are other characters whose small letter is one of these */
    small[i] = name.at[i] >= 'A' && name.at[i] <= 'Z' ? name.at[i] | 32 : name.at[i];
  }
  return named((Text){small, name.size}, owner) != NO_NAME;
}

/* Whether a reader asks for all names that end or begin so. */
static int has_affix(Text name) {
  for (u32 i = 0; i < prefix_count; i++)
    if (name.size >= prefixes[i].size && equal(name.at, prefixes[i].bytes, prefixes[i].size)) return 1;
  for (u32 i = 0; i < suffix_count; i++) {
    u32 size = suffixes[i].size;
    if (name.size >= size && equal(name.at + name.size - size, suffixes[i].bytes, size)) return 1;
  }
  return 0;
}

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

/* Whether a number is none that is whole: it has a fraction that is not zero and no exponent, or it is below one. */
static int is_fraction(const u8 *p, const u8 *end) {
  int digits_before = 0, is_zero_behind = 1, is_zero_before = 1;
  if (*p == '-') p++;
  for (; is_digit(*p); p++, digits_before++) is_zero_before &= *p == '0';
  if (*p == '.') {
    for (p++; *p == '0'; p++) {}
    is_zero_behind = !is_digit(*p);
    p = digits(p);
  }
  if (p == end) return !is_zero_behind;
  if (p[1] != '-' || digits_before != 1 || (is_zero_before && is_zero_behind)) return 0;
  for (p += 2; *p == '0'; p++) {}
  return p < end; /* the exponent is no zero */
}

/* A whole number that is short enough to be exact, as it stands; of any other, that it is one. */
static const u8 *literal_number(const u8 *p) {
  const u8 *behind = number(p);
  if (!behind) return 0;
  u32 size = (u32)(behind - p);
  if (is_fraction(p, behind)) {
    *o++ = FRACTION;
    return behind;
  }
  for (u32 i = 0; i < size; i++)
    if (!is_digit(p[i]) && !(i == 0 && p[i] == '-')) return unsure();
  if (size > 18) return unsure();
  *o++ = DIGITS;
  put_number(size);
  copy(o, p, size);
  o += size;
  return behind;
}

static const i64 COUNT_MAX = 1000000000000; /* twin: usage.TOKENS_MAX, which a test compares */

static const u8 *count(const u8 *p) {
  const u8 *behind = number(p), *begin = p;
  if (!behind) return 0;
  i64 n = 0;
  if (behind - p > 13) return unsure();
  for (; p < behind; p++) {
    if (!is_digit(*p)) return unsure();
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

static const u8 *instant(const u8 *p, u32 kind);

static const u8 *list_under(const u8 *p, u32 kind, int depth);

/* A value that is no object and no array. */
static inline const u8 *scalar_under(const u8 *p, u32 kind) {
  if (kind == TIMED || kind == TIMED_IN_UTC) return instant(p, kind);
  switch (*p) {
  case '"': return text_under(p + 1, kind);
  case 't': *o++ = TRUE; return word(p, "true");
  case 'f': *o++ = FALSE; return word(p, "false");
  case 'n': *o++ = NOTHING; return word(p, "null");
  default: return kind == COUNTED ? count(p) : literal_number(p);
  }
}

/* The value under a name of a body. `depth` containers are open around it. */
static const u8 *value_under(const u8 *p, u32 kind, int depth) {
  if (!has_room()) return unsure();
  int is_timed = kind == TIMED || kind == TIMED_IN_UTC;
  if (*p == '{' && !is_timed) return object(p, OF_BODY, depth);
  if (*p == '[' && !is_timed) return list_under(p, kind, depth);
  const u8 *begin = o;
  return note(reader(OF_KIND, kind, depth), p, scalar_under(p, kind), begin, is_word(p, kind));
}

/* An array. Of one with an element that is no object and no array, the whole is a leaf: these come in any number. */
static const u8 *list_under(const u8 *p, u32 kind, int depth) {
  const u8 *at = p, *begin = o;
  u32 leaves = noted.count;
  int is_leaf = 0;
  if (depth >= depth_max) return unsure();
  *o++ = LIST;
  p = blanks(p + 1);
  if (*p == ']') {
    *o++ = LIST_END;
    return p + 1;
  }
  for (;;) {
    u8 *element = o;
    is_leaf |= *p != '{' && *p != '[';
    if (!(p = value_under(p, kind, depth + 1))) return 0;
    if (*element == FRACTION && element[-1] == FRACTION) o = element; /* of fractions in a row, one stands for all */
    p = blanks(p);
    if (*p == ']') break;
    if (*p != ',') return broken(p);
    p = blanks(p + 1);
  }
  if (!has_room()) return unsure();
  *o++ = LIST_END;
  if (!is_leaf) return p + 1;
  noted.count = leaves;
  return note(reader(OF_KIND, kind, depth), at, p + 1, begin, 0);
}

enum { ANY_NAMES_MAX = 16 };

/* The count under a name of an object of which all names are looked at: the name stands in the shape. `before` are the
   names that were there before; one that is stated twice is handed over. */
static const u8 *any_count(const u8 *p, Text name, Text *before, u32 *count, int depth) {
  for (u32 i = 0; i < *count; i++)
    if (before[i].size == name.size && equal(before[i].at, name.at, name.size)) return unsure();
  if (*count == ANY_NAMES_MAX || name.size > NAME_BYTES_MAX || !has_room()) return unsure();
  before[(*count)++] = name;
  *o++ = ANY_NAME;
  put_word(name);
  return value_under(p, COUNTED, depth);
}

/* An object: members by names that are looked at, and whether there are others. A name that is stated twice, or that
   has an escape, is handed over. `depth` containers are open around it. */
static const u8 *object(const u8 *p, u32 owner, int depth) {
  Members m = {0};
  u64 seen[NAMES_MAX / 64] = {0};
  u32 kind_of_owner = owner < OF_INNER ? LITERAL : names[owner - OF_INNER].kind;
  int found, has_others = 0, is_of_counts = kind_of_owner == EVERY, is_of_headers = kind_of_owner == HEADERS;
  Text any[ANY_NAMES_MAX];
  u32 any_count_so_far = 0;
  if (depth >= depth_max) return unsure();
  *o++ = OPEN;
  while ((found = next(&p, &m)) == MEMBER) {
    if (m.is_escaped) return unsure();
    u32 name = named(m.key, owner);
    if (name == NO_NAME && is_of_counts) {
      if (!(p = any_count(p, m.key, any, &any_count_so_far, depth + 1))) return 0;
      continue;
    }
    if (name == NO_NAME) {
      if (has_affix(m.key) || (owner == OF_LINE && m.key.size > NAME_BYTES_MAX)) return unsure();
      if (is_of_headers && is_named_in_capitals(m.key, owner)) return unsure();
      has_others = 1;
      const u8 *begin = p;
      if (!(p = value(p, depth + 1))) return 0;
      note(reader(UNREAD, 0, depth + 1), begin, p, o, p - begin <= UNREAD_WORD_BYTES_MAX);
      if (*begin == '"') may_vary(begin + 1, FIXED);
      continue;
    }
    if (seen[name / 64] >> name % 64 & 1 || !has_room()) return unsure();
    seen[name / 64] |= (u64)1 << name % 64;
    *o++ = NAME;
    *o++ = (u8)(0x40 | name >> 5);
    *o++ = (u8)(0x40 | (name & 31));
    p = owner == OF_BODY ? value_under(p, names[name].kind, depth + 1) : value_of_line(p, name, depth + 1);
    if (!p) return 0;
  }
  if (found != LAST_MEMBER) return 0;
  if (!has_room()) return unsure();
  if (has_others) *o++ = OTHERS;
  *o++ = CLOSE;
  return p;
}

/* ---- runs of chunks ---- */

enum { KINDS_OF_RUN = 2, CHUNK_BYTES_MAX = SHAPE_BYTES_MAX + TOKEN_BYTES_MAX };

/* Chunks that follow one another and are alike: how many there are of either kind. */
static struct {
  u8 shapes[KINDS_OF_RUN][CHUNK_BYTES_MAX];
  u32 size, kinds;
  i64 lengths[KINDS_OF_RUN];
} run;

static int end_run(void) {
  if (!run.kinds) return 1;
  if (o + KINDS_OF_RUN * run.size + 8 > shape + SHAPE_BYTES_MAX || !has_room()) return 0;
  *o++ = RUN;
  put_number(run.kinds);
  for (u32 i = 0; i < run.kinds; i++) {
    copy(o, run.shapes[i], run.size);
    o += run.size;
    holes[hole_count++] = run.lengths[i];
  }
  run.kinds = 0;
  return 1;
}

/* Adds a chunk, whose shape lies elsewhere than at `o`; returns which kind of the run it is, or -1. */
static int add_to_run(const u8 *chunk, u32 size) {
  for (u32 i = 0; i < run.kinds; i++)
    if (run.size == size && equal(run.shapes[i], chunk, size)) {
      run.lengths[i]++;
      return (int)i;
    }
  int is_other_kind = run.kinds && run.kinds < KINDS_OF_RUN && run.size == size && are_alike(run.shapes[0], chunk, size);
  if (!is_other_kind && !end_run()) return -1;
  copy(run.shapes[run.kinds], chunk, size);
  run.size = size;
  run.lengths[run.kinds] = 1;
  return (int)run.kinds++;
}

/* The chunk that was added last and has counts: of chunks in a row that differ in nothing but these, the counts of the
   last stand for all. */
static struct {
  const u8 *end; /* of its shape, where nothing came after it; else 0 */
  u32 size, holes, first_hole;
} latest;

/* Lets the chunk that was added last be another one, with these counts. */
static void set_latest(const i64 *counts) {
  u8 *token = o - latest.size - 1;
  for (u32 i = 0; i < latest.holes; i++) holes[latest.first_hole + i] = counts[i];
  if (*token == ONE) holes[hole_count++] = 0;
  *token = LATEST;
  holes[latest.first_hole + latest.holes]++; /* how many were before it */
}

/* Adds a chunk that has holes of its own: those from `first` on. The run before it has its holes before these. */
static int add_alone(const u8 *chunk, u32 size, u32 first, int has_new_ids) {
  i64 own[LINE_HOLES_MAX];
  u32 count = hole_count - first;
  if (count > LINE_HOLES_MAX) return 0;
  for (u32 i = 0; i < count; i++) own[i] = holes[first + i];
  hole_count = first;
  int is_latest = !has_new_ids && !run.kinds && latest.end == o && latest.size == size && latest.holes == count;
  if (is_latest && equal(o - size, chunk, size)) {
    set_latest(own);
    return 1;
  }
  if (!end_run() || o + size + 2 > shape + SHAPE_BYTES_MAX) return 0;
  latest.first_hole = hole_count;
  for (u32 i = 0; i < count; i++) holes[hole_count++] = own[i];
  *o++ = ONE;
  copy(o, chunk, size);
  o += size;
  latest.end = has_new_ids ? 0 : o;
  latest.size = size;
  latest.holes = count;
  return 1;
}

/* ---- the same chunk again ---- */

/* A string that lies in a string, where quotes and backslashes are escaped twice: the place of its closing quote, which
   is \", or 0. Nothing but JSON text comes through: no control character, no quote or backslash that stands alone. */
static inline const u8 *end_of_inner(const u8 *p) {
  for (;;) {
    p = plain(p);
    if (*p != '\\') return 0;
    switch (p[1]) {
    case '"': return p;
    case 'u': {
      for (int i = 2; i < 6; i++)
        if (hex(p[i]) < 0) return 0;
      int code = hex4(p + 2);
      if (code < 0x20 || code == '"' || code == '\\') return 0;
      p += 6;
      break;
    }
    case '\\':
      switch (p[2]) {
      case 'b': case 'f': case 'n': case 'r': case 't': case '/': p += 3; break;
      case '\\':
        if (p[3] != '"' && p[3] != '\\') return 0;
        p += 4;
        break;
      case 'u':
        for (int i = 3; i < 7; i++)
          if (hex(p[i]) < 0) return 0;
        p += 7;
        break;
      default: return 0;
      }
      break;
    default: return 0;
    }
  }
}

/* Where the decoded byte at an offset lies in the string that it was decoded from; 0 where that is not simple. */
static const u8 *place_of(const u8 *p, u32 offset) {
  for (; offset; offset--) {
    if (*p != '\\') {
      p++;
      continue;
    }
    if (p[1] == 'u') return 0;
    p += 2;
  }
  return p;
}

/* The place behind a count that is no zero, or 0. Twin: count. */
static inline const u8 *end_of_count(const u8 *p, i64 *n) {
  const u8 *begin = p;
  if (*p == '0') return 0;
  for (*n = 0; is_digit(*p) && p - begin < 13; p++) *n = *n * 10 + (*p - '0');
  return p > begin && *n <= COUNT_MAX ? p : 0;
}

/* A chunk that was read, as it lies in the line: what is fixed, and the holes between. */
typedef struct {
  const u8 *parts[VARYING_MAX + 1];
  u32 sizes[VARYING_MAX + 1], holes;
  i64 counts[VARYING_MAX]; /* of the event that was compared last */
  u32 count;               /* how many */
} Form;

/* The form of an event, whose chunk lies in its `line`, which is its last one. */
static int form_of(Form *form, const u8 *event, const u8 *line, const u8 *decoded_line, const u8 *event_end) {
  const u8 *there = line, *decoded_there = decoded_line;
  form->holes = varying.count;
  form->parts[0] = event;
  for (u32 i = 0; i < varying.count; i++) {
    if (!(there = place_of(there, (u32)(varying.at[i] - decoded_there)))) return 0;
    decoded_there = varying.at[i];
    form->sizes[i] = (u32)(there - form->parts[i]);
    form->parts[i + 1] = varying.tokens[i] == NUMBER ? end_of_count(there, &form->counts[0]) : end_of_inner(there);
    if (!form->parts[i + 1] || form->parts[i + 1] >= event_end) return 0;
  }
  form->sizes[form->holes] = (u32)(event_end - form->parts[form->holes]);
  return 1;
}

/* Whether the event at p has a form: returns the place behind it, or 0, and which of its holes are empty. */
static inline const u8 *fits(Form *form, const u8 *p, u32 *empty) {
  *empty = form->count = 0;
  for (u32 i = 0;; i++) {
    if (p + form->sizes[i] > text_end || !same(p, form->parts[i], form->sizes[i])) return 0;
    p += form->sizes[i];
    if (i == form->holes) return p;
    const u8 *end = varying.tokens[i] == NUMBER ? end_of_count(p, &form->counts[form->count++]) : end_of_inner(p);
    if (!end) return 0;
    *empty |= (u32)(end == p) << i;
    p = end;
  }
}

/* The chunk that was read last. */
static struct {
  u8 shape[CHUNK_BYTES_MAX];
  u32 size;
  int kind; /* which of the run it is; -1 where it has holes of its own */
} last;

/* The holes of which anybody asks whether they are empty, and which of them are. */
static u32 asked_holes(const Form *form, u32 *empty) {
  u32 asked = 0;
  *empty = 0;
  for (u32 i = 0; i < form->holes; i++)
    if (varying.tokens[i] >= 0) {
      asked |= (u32)1 << i;
      *empty |= (u32)(last.shape[varying.tokens[i]] == NO_TEXT) << i;
    }
  return asked;
}

/* Passes the events that are the one that was read last but for its counts and for what is in its other holes, of which
   none becomes empty or is empty no more; returns the place of the first that is not. */
static const u8 *again_with_counts(Form *form, const u8 *p) {
  u32 empty, before, asked = asked_holes(form, &before), counts = 0;
  const u8 *behind;
  for (u32 i = 0; i < form->holes; i++) counts += varying.tokens[i] == NUMBER;
  if (counts != latest.holes) return p; /* it has other holes than counts, such as new ids */
  for (; (behind = fits(form, p, &empty)) && (empty & asked) == before; p = behind) set_latest(form->counts);
  return p;
}

/* Counts the events that are the one that was read last but for what is in their holes; returns the place of the first
   that is not, or 0. */
static const u8 *again(Form *form, const u8 *p) {
  u32 empty, before, asked = asked_holes(form, &before);
  const u8 *behind;
  for (; (behind = fits(form, p, &empty)); p = behind) {
    empty &= asked;
    if (empty == before) {
      run.lengths[last.kind]++;
      continue;
    }
    for (u32 i = 0; i < form->holes; i++)
      if (asked >> i & 1) last.shape[varying.tokens[i]] = empty >> i & 1 ? NO_TEXT : TEXT;
    if ((last.kind = add_to_run(last.shape, last.size)) < 0) return 0;
    before = empty;
  }
  return p;
}

/* Passes the events that are the one that was read last, at `event`, but for what is in their holes; returns the place of
   the first that is not, or 0. */
static const u8 *behind_alike(const u8 *event, const u8 *line, const u8 *decoded_line, const u8 *event_end) {
  Form form;
  if (!form_of(&form, event, line, decoded_line, event_end)) return event_end;
  return last.kind < 0 ? again_with_counts(&form, event_end) : again(&form, event_end);
}

/* ---- streams ---- */

enum { BLOCK_BYTES_MAX = 9 << 20 };
static u8 scratch[BLOCK_BYTES_MAX + PAD]; /* strings, decoded */
static int is_in_scratch;                 /* whether what is read lies there, and nothing else can be decoded */

enum { CHUNK_READ, CHUNK_CUT, CHUNK_UNSURE };

/* Reads one chunk, of which nothing is behind it but blanks; it is `last` then, and its shape is added. A chunk that ends
   too early says nothing (twin: body._parsed). */
static int chunk(const u8 *p, const u8 *end, int depth) {
  const u8 *limit = text_end;
  Mark before = marked();
  varying.count = 0;
  chunk_shape = o;
  text_end = end;
  p = object(p, OF_BODY, depth);
  if (p && blanks(p) != end) p = unsure();
  text_end = limit;
  chunk_shape = 0;
  last.kind = -1;
  if (!p) {
    back_to(before);
    return is_cut ? CHUNK_CUT : CHUNK_UNSURE;
  }
  last.size = (u32)(o - before.o);
  copy(last.shape, before.o, last.size);
  o = before.o;
  if (hole_count == before.holes) {
    last.kind = add_to_run(last.shape, last.size);
    return last.kind < 0 ? CHUNK_UNSURE : CHUNK_READ;
  }
  return add_alone(last.shape, last.size, before.holes, id_count != before.ids) ? CHUNK_READ : CHUNK_UNSURE;
}

/* Behind the end of a line in a string, as one writes CR and LF; 0 where they are written as numbers. */
static const u8 *behind_line_end(const u8 *p) {
  const u8 *behind = begins_with(p, "\\r") ? p + 2 : p;
  if (begins_with(behind, "\\n")) return behind + 2;
  return behind > p ? behind : 0;
}

/* A line of a transcript that carries no payload and says nothing: a comment, an id, an event that is no error. Twin:
   sse.read_transcript. */
static int is_silent(const u8 *p, u32 size) {
  if (*p == ':') return 1;
  if (begins_with(p, "id:") || begins_with(p, "retry:")) return 1;
  return size > 7 && begins_with(p, "event: ") && p[7] != 'e' && p[7] > ' ' && p[7] < 0x7F;
}

/* A transcript of server-sent events in a string; p behind its quote, and so the place that is returned. Twins:
   sse.read_transcript, body._stream_body. Two lines of data in one event are handed over. */
static const u8 *transcript(const u8 *p) {
  int is_pending = 0, has_chunks = 0;
  const u8 *event = p; /* where the event begins */
  if (is_in_scratch) return unsure();
  *o++ = TRANSCRIPT;
  run.kinds = 0;
  latest.end = 0;
  while (*p != '"') {
    const u8 *begin = p, *behind;
    u8 *end = scratch;
    if (!(p = decoded(p, &end, 1, 1))) return 0;
    if (!(behind = *p == '"' ? p : behind_line_end(p))) return unsure();
    u32 size = (u32)(end - scratch);
    if (!size) {
      is_pending = 0;
      event = behind;
    } else if (size >= 5 && begins_with(scratch, "data:")) {
      const u8 *payload = scratch + 5 + (scratch[5] == ' ');
      if (is_pending) return unsure();
      is_pending = 1;
      if (*payload == '{') {
        int fate = chunk(payload, end, 0);
        if (fate == CHUNK_UNSURE) return unsure();
        has_chunks |= fate == CHUNK_READ;
        const u8 *next_event = behind_line_end(behind);
        if (fate == CHUNK_READ && next_event) {
          if (!(behind = behind_alike(event, begin, scratch, next_event))) return unsure();
          is_pending = 0;
          event = behind;
        }
      } else if (*payload != '[' && payload != end) {
        return unsure(); /* [DONE] says nothing, and nothing neither */
      }
    } else if (!is_silent(scratch, size)) {
      return unsure();
    }
    p = behind;
  }
  if (!has_chunks || !end_run()) return unsure();
  *o++ = CHUNKS_END;
  return p + 1;
}

/* Documents on lines, in a string. Twin: body._lines_body. */
static const u8 *json_lines(const u8 *p) {
  u32 lines = 0, chunks = 0;
  *o++ = JSON_LINES;
  run.kinds = 0;
  latest.end = 0;
  while (*p != '"') {
    const u8 *begin = p, *behind;
    u8 *end = scratch;
    if (!(p = decoded(p, &end, 1, 0))) return 0;
    if (!(behind = *p == '"' ? p : behind_line_end(p))) return unsure();
    if (end != scratch) {
      int fate = *scratch == '{' ? chunk(scratch, end, 0) : CHUNK_UNSURE;
      if (fate == CHUNK_UNSURE) return unsure();
      lines++;
      chunks += fate == CHUNK_READ;
      if (fate == CHUNK_READ && behind != p) {
        const u8 *next_line = behind;
        if (!(behind = behind_alike(begin, begin, scratch, next_line))) return unsure();
        lines += behind != next_line;
      }
    }
    p = behind;
  }
  if (lines < 2 || !chunks || !end_run()) return unsure();
  *o++ = CHUNKS_END;
  return p + 1;
}

/* An array of chunks. Twin: body._json_body. */
static const u8 *array_of_chunks(const u8 *p, int depth) {
  if (depth >= depth_max) return unsure();
  *o++ = CHUNKS;
  run.kinds = 0;
  latest.end = 0;
  for (;;) {
    p = blanks(p + 1);
    if (*p != '{') return unsure();
    const u8 *behind = value(p, depth + 1);
    if (!behind || chunk(p, behind, depth + 1) != CHUNK_READ) return unsure();
    p = blanks(behind);
    if (*p == ']') break;
    if (*p != ',') return unsure();
  }
  if (!end_run()) return unsure();
  *o++ = CHUNKS_END;
  return p + 1;
}

/* The one document in a string, p behind its quote; `has_more`: where there is another one, on another line. */
static const u8 *document(const u8 *p, u32 owner, int *has_more) {
  const u8 *limit = text_end;
  u8 *end = scratch;
  if (is_in_scratch || !(p = decoded(p, &end, 0, 0))) return unsure();
  *o++ = JSON_TEXT;
  is_in_scratch = 1;
  text_end = end;
  const u8 *stopped = *scratch == '[' ? array_of_chunks(scratch, 0) : object(scratch, owner, 0);
  text_end = limit;
  is_in_scratch = 0;
  *has_more = stopped && *scratch == '{' && *stopped == '\n' && *blanks(stopped) == '{';
  return stopped && blanks(stopped) == end ? p + 1 : unsure();
}

/* One document in a string, an array of chunks, or several documents on lines. */
static const u8 *json_text(const u8 *p) {
  Mark before = marked();
  int has_more = 0;
  const u8 *behind = document(p, OF_BODY, &has_more);
  if (behind || !has_more) return behind;
  back_to(before);
  return json_lines(p);
}

/* What was logged as the response. Twin: body.take_apart; whatever it would unwrap or guess at stands in the shape, where
   it is short, and is handed over otherwise. */
static const u8 *response(const u8 *p, int depth) {
  switch (*p) {
  case '{': return object(p, OF_BODY, depth);
  case '[': return array_of_chunks(p, depth);
  case 'n': *o++ = NOTHING; return word(p, "null");
  case '"': break;
  default: return unsure();
  }
  p++;
  if (*p == '{' || *p == '[') return json_text(p);
  if (begins_with(p, "data:") || begins_with(p, "event:") || begins_with(p, "id:")) return transcript(p);
  return *p == ':' || begins_with(p, "retry:") ? transcript(p) : text_under(p, LITERAL);
}

/* An object of the line, or the text of one; any other text stands in the shape, if it is short. Twins: mapping._at,
   request_log._object. */
static const u8 *inside(const u8 *p, u32 owner, int depth) {
  if (*p == '{') return object(p, owner, depth);
  int has_more;
  return p[1] == '{' ? document(p + 1, owner, &has_more) : text_under(p + 1, LITERAL);
}

/* Of any value, which kind of JSON it is, and of a text, whether it is empty: for names that are only looked for. */
static const u8 *present(const u8 *p, int depth) {
  const u8 *behind = value(p, depth);
  if (!behind) return 0;
  switch (*p) {
  case '"': *o++ = p[1] == '"' ? NO_TEXT : TEXT; break;
  case '{': *o++ = OPEN; *o++ = CLOSE; break;
  case '[': *o++ = LIST; *o++ = LIST_END; break;
  case 't': *o++ = TRUE; break;
  case 'f': *o++ = FALSE; break;
  case 'n': *o++ = NOTHING; break;
  default: *o++ = FRACTION;
  }
  return behind;
}
