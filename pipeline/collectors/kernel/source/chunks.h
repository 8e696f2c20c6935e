/* Chunks of a stream that are alike: runs of them, and the one that was read last, again. */
#pragma once
#include "values.h"

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

/* The chunk that was added last and has counts: of chunks in a row that differ in nothing but these, the counts of the
   last stand for all. */
static struct {
  const u8 *end; /* of its shape, where nothing came after it; else 0 */
  u32 size, holes, first_hole;
} counted;

static void begin_chunks(u8 token) {
  *o++ = token;
  run.kinds = 0;
  counted.end = 0;
}

static int end_chunks(void) {
  if (!end_run()) return 0;
  *o++ = CHUNKS_END;
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

/* Lets the chunk that was added last be another one, with these counts. */
static void replace_counts(const i64 *counts) {
  u8 *token = o - counted.size - 1;
  for (u32 i = 0; i < counted.holes; i++) holes[counted.first_hole + i] = counts[i];
  if (*token == ONE) holes[hole_count++] = 0;
  *token = LATEST;
  holes[counted.first_hole + counted.holes]++; /* how many were before it */
}

/* Adds a chunk that has holes of its own: those from `first` on. The run before it has its holes before these. */
static int add_alone(const u8 *chunk, u32 size, u32 first, int has_new_ids) {
  i64 own[LINE_HOLES_MAX];
  u32 count = hole_count - first;
  if (count > LINE_HOLES_MAX) return 0;
  for (u32 i = 0; i < count; i++) own[i] = holes[first + i];
  hole_count = first;
  int is_counted = !has_new_ids && !run.kinds && counted.end == o && counted.size == size && counted.holes == count;
  if (is_counted && equal(o - size, chunk, size)) {
    replace_counts(own);
    return 1;
  }
  if (!end_run() || o + size + 2 > shape + SHAPE_BYTES_MAX) return 0;
  counted.first_hole = hole_count;
  for (u32 i = 0; i < count; i++) holes[hole_count++] = own[i];
  *o++ = ONE;
  copy(o, chunk, size);
  o += size;
  counted.end = has_new_ids ? 0 : o;
  counted.size = size;
  counted.holes = count;
  return 1;
}

/* ---- the same chunk again ---- */

/* Behind the escape at p in a string that lies in a string, where quotes and backslashes are escaped twice; 0 where it is
   none of JSON text: no quote or backslash stands alone, and no control character. */
static const u8 *behind_inner_escape(const u8 *p) {
  if (*p != '\\') return 0;
  if (p[1] == 'u') {
    int code = hex4(p + 2);
    return code < 0x20 || code == '"' || code == '\\' ? 0 : p + 6;
  }
  if (p[1] != '\\') return 0;
  switch (p[2]) {
  case 'b': case 'f': case 'n': case 'r': case 't': case '/': return p + 3;
  case '\\': return p[3] == '"' || p[3] == '\\' ? p + 4 : 0;
  case 'u': return hex4(p + 3) < 0 ? 0 : p + 7;
  default: return 0;
  }
}

/* A string that lies in a string: the place of its closing quote, which is \", or 0. */
static inline __attribute__((always_inline)) const u8 *end_of_inner(const u8 *p) {
  for (;;) {
    p = plain(p);
    if (*p == '\\' && p[1] == '"') return p;
    if (!(p = behind_inner_escape(p))) return 0;
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
static inline __attribute__((always_inline)) const u8 *fits(Form *form, const u8 *p, u32 *empty) {
  u32 found = 0, count = 0;
  for (u32 i = 0;; i++) {
    u32 size = form->sizes[i];
    if (p + size > text_end || !same(p, form->parts[i], size)) return 0;
    p += size;
    if (i == form->holes) break;
    const u8 *end = varying.tokens[i] == NUMBER ? end_of_count(p, &form->counts[count++]) : end_of_inner(p);
    if (!end) return 0;
    found |= (u32)(end == p) << i;
    p = end;
  }
  *empty = found;
  return p;
}

/* The chunk that was read last. */
static struct {
  u8 shape[CHUNK_BYTES_MAX];
  u32 size;
  int kind; /* which of the run it is; -1 where it has holes of its own */
} last_chunk;

/* The holes of which anybody asks whether they are empty, and which of them are. */
static u32 asked_holes(const Form *form, u32 *empty) {
  u32 asked = 0;
  *empty = 0;
  for (u32 i = 0; i < form->holes; i++)
    if (varying.tokens[i] >= 0) {
      asked |= (u32)1 << i;
      *empty |= (u32)(last_chunk.shape[varying.tokens[i]] == NO_TEXT) << i;
    }
  return asked;
}

/* Passes the events that are the one that was read last but for its counts and for what is in its other holes, of which
   none becomes empty or is empty no more; returns the place of the first that is not. */
static const u8 *again_with_counts(Form *form, const u8 *p) {
  u32 empty, before, asked = asked_holes(form, &before), counts = 0;
  const u8 *behind;
  for (u32 i = 0; i < form->holes; i++) counts += varying.tokens[i] == NUMBER;
  if (counts != counted.holes) return p; /* it has other holes than counts, such as new ids */
  for (; (behind = fits(form, p, &empty)) && (empty & asked) == before; p = behind) replace_counts(form->counts);
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
      run.lengths[last_chunk.kind]++;
      continue;
    }
    for (u32 i = 0; i < form->holes; i++)
      if (asked >> i & 1) last_chunk.shape[varying.tokens[i]] = empty >> i & 1 ? NO_TEXT : TEXT;
    if ((last_chunk.kind = add_to_run(last_chunk.shape, last_chunk.size)) < 0) return 0;
    before = empty;
  }
  return p;
}

/* Passes the events that are the one that was read last, at `event`, but for what is in their holes; returns the place of
   the first that is not, or 0. */
static const u8 *behind_alike(const u8 *event, const u8 *line, const u8 *decoded_line, const u8 *event_end) {
  Form form;
  if (!form_of(&form, event, line, decoded_line, event_end)) return event_end;
  return last_chunk.kind < 0 ? again_with_counts(&form, event_end) : again(&form, event_end);
}
