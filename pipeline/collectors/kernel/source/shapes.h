/* Shapes: a line reduced to what any reader looks at, with holes where lines of one shape differ.

   A shape is a text of tokens (`rules/shapes.py` reads them, and is the other place where they are listed). What stands
   in a hole leaves as a number: a count, an instant, a length, or the place of a text. Equal shapes get one number; they
   are compared to the last byte. */
#pragma once
#include "json.h"

enum {
  SHAPE_BYTES_MAX = 6144,      /* of one line; a line with more is handed over */
  TOKEN_BYTES_MAX = 288,       /* of what is added between two looks at the limit */
  WORD_BYTES_MAX = 255,        /* of a text that stands in the shape as it is */
  NUMBERED_MAX = 1 << 14,      /* of shapes, and of keys */
  NUMBERED_BYTES_MAX = 4 << 20,
  SLOTS = 4 * NUMBERED_MAX,
  ROWS_MAX = 1 << 18,          /* of a block; a line with more is handed over */
  HOLES_MAX = 1 << 19,
  LINE_HOLES_MAX = 256,
  TEXTS_BYTES_MAX = 10 << 20,
  IDS_MAX = 16,                /* different ids in one line */
  ID_BYTES_MAX = 256,
};

/* Tokens. TEXT and NO_TEXT are bytes that occur in no other token: two shapes that differ in nothing else are alike. */
enum {
  TEXT = 1, NO_TEXT = 2,
  OPEN = '{', CLOSE = '}', LIST = '[', LIST_END = ']', NAME = 'k', OTHERS = '~',
  TRUE = 't', FALSE = 'f', NOTHING = 'n', DIGITS = '#', FRACTION = 'F', WORD = '"', ESCAPED = '\\',
  COUNT = 'c', COUNT_TEXT = 'q', ZERO = '0', IDENTIFIER = 'i', KEY = 'y', ANY_NAME = 'm',
  INSTANT_TEXT = 'd', INSTANT_NUMBER = 'D', INSTANT_DIGITS = 'T', INSTANT_NAIVE = 'e',
  SECONDS = 'u', SECONDS_TEXT = 'U', MILLISECONDS_TEXT = 'M',
  TRANSCRIPT = 'S', JSON_TEXT = 'J', JSON_LINES = 'N', CHUNKS = 'A', RUN = 'R', ONE = 'C', LATEST = 'L',
  CHUNKS_END = 'E', PAIR_LIST = 'P',
};

/* Of the block. */
static u32 rows;
static u32 row_lines[ROWS_MAX], row_shapes[ROWS_MAX], row_holes[ROWS_MAX];
static i64 holes[HOLES_MAX];
static u8 texts[TEXTS_BYTES_MAX + PAD];

/* Texts that have a number each, of all blocks since `forget`. */
typedef struct {
  u8 texts[NUMBERED_BYTES_MAX + PAD];
  u32 at[NUMBERED_MAX], sizes[NUMBERED_MAX], slots[SLOTS], count, bytes;
  u64 hashes[NUMBERED_MAX];
} Numbered;
static Numbered shapes, keys;

/* Of the line. */
static u8 shape[SHAPE_BYTES_MAX + TOKEN_BYTES_MAX];
static u8 *o; /* behind the last token */
static u32 hole_count, texts_size, id_count;
static u32 line_holes; /* where those of the line begin, or of the row of it that is read */
static int is_behind_rows; /* whether rows of the line were put: what is looked at behind them is handed over */
static Text ids[IDS_MAX];
static u8 identifier_characters[256]; /* those of fields.IDENTIFIER; the host asks it */

/* What was put so far of the line. */
typedef struct {
  u8 *o;
  u32 holes, ids, texts;
} Mark;

static inline Mark marked(void) { return (Mark){o, hole_count, id_count, texts_size}; }

/* Takes back what was put since. */
static inline void back_to(Mark mark) {
  o = mark.o;
  hole_count = mark.holes;
  id_count = mark.ids;
  texts_size = mark.texts;
}

static inline int has_room(void) { return o < shape + SHAPE_BYTES_MAX && hole_count - line_holes < LINE_HOLES_MAX; }

static inline void put_number(u32 n) { /* two bytes that are no TEXT */
  *o++ = (u8)(0x40 | n >> 4);
  *o++ = (u8)(0x40 | (n & 15));
}

static inline void put_hole(u8 token, i64 content) {
  *o++ = token;
  holes[hole_count++] = content;
}

/* A text of few values as it is written; one that is longer is none of these. */
static int put_text(u8 token, Text t) {
  if (t.size > WORD_BYTES_MAX) return 0;
  *o++ = token;
  put_number(t.size);
  copy(o, t.at, t.size);
  o += t.size;
  return 1;
}

/* A text without escapes, such as a model. */
static inline int put_word(Text t) { return put_text(WORD, t); }

/* An id. Whether ids of one line are equal stands in the shape; what they are, in holes, once each. */
static int put_id(Text id) {
  if (id.size > ID_BYTES_MAX) return 0;
  u8 are_allowed = 1;
  for (u32 i = 0; i < id.size; i++) are_allowed &= identifier_characters[id.at[i]];
  if (!are_allowed) return 0;
  u32 known = 0;
  while (known < id_count && !(ids[known].size == id.size && equal(ids[known].at, id.at, id.size))) known++;
  if (known == IDS_MAX || texts_size + ID_BYTES_MAX > TEXTS_BYTES_MAX) return 0;
  *o++ = IDENTIFIER;
  *o++ = (u8)(0x40 | known);
  if (known < id_count) return 1;
  copy(texts + texts_size, id.at, id.size);
  ids[id_count++] = (Text){texts + texts_size, id.size};
  holes[hole_count++] = (i64)texts_size << 16 | id.size;
  texts_size += id.size;
  return 1;
}

/* The number of a text, new or known; -1 where there are too many. */
static int number_of(Numbered *among, const u8 *p, u32 size) {
  u64 h = hash_of(p, size, size);
  u32 at = (u32)h % SLOTS, n = among->count;
  for (; among->slots[at]; at = (at + 1) % SLOTS) {
    u32 known = among->slots[at] - 1;
    if (among->hashes[known] != h || among->sizes[known] != size) continue;
    if (equal(among->texts + among->at[known], p, size)) return (int)known;
  }
  if (n == NUMBERED_MAX || among->bytes + size > NUMBERED_BYTES_MAX) return -1;
  copy(among->texts + among->bytes, p, size);
  among->at[n] = among->bytes;
  among->sizes[n] = size;
  among->hashes[n] = h;
  among->bytes += size;
  among->slots[at] = ++among->count;
  return (int)n;
}

/* A key, or the id of one: few keys make many lines. */
static int put_key(Text key) {
  int n = key.size > ID_BYTES_MAX ? -1 : number_of(&keys, key.at, key.size);
  if (n >= 0) put_hole(KEY, n);
  return n >= 0;
}

/* The number of the shape that was put, or -1. */
static int shape_number(void) { return number_of(&shapes, shape, (u32)(o - shape)); }

/* Whether two shapes are equal but for texts that are empty in one and not in the other. */
static int are_alike(const u8 *one, const u8 *other, u32 size) {
  for (u32 i = 0; i < size; i++) {
    int is_text = (one[i] == TEXT || one[i] == NO_TEXT) && (other[i] == TEXT || other[i] == NO_TEXT);
    if (one[i] != other[i] && !is_text) return 0;
  }
  return 1;
}
