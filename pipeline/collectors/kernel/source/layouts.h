/* A line like one before it. Of a line that was parsed, its *layout* is kept; the next lines are compared with it,
   sixteen bytes at a time.

   The *leaves* of a line are the values in which lines of one layout may differ. All between two leaves is fixed:
   braces, names, colons, blanks. Where the fixed bytes are those of the layout, the parser would come to the next
   leaf in the state in which it was there before. So the tokens between are those of the layout, and the leaf is
   read by the function that the parser calls there, to the same tokens and holes. No rule stands here: what does not
   fit is parsed. */
#pragma once
#include "values.h"

enum {
  LAYOUTS_MAX = 32,
  LAYOUT_BYTES_MAX = 4096, /* what is fixed, and the words */
};

/* A leaf, and what is fixed before it. Places are small: they lie beside those of other layouts in the cache. */
typedef struct {
  Reader reader;
  u8 first, is_word;     /* the leaf's first byte */
  u16 at, fixed, size;   /* in `bytes`: what is fixed, and behind it the word */
  u16 token, tokens;     /* in `tokens`: those before the leaf */
  u16 stop;              /* the next place from here on whose leaf is no word */
  u16 run, run_tokens;   /* bytes and tokens up to that leaf */
} Place;

typedef struct {
  u8 bytes[LAYOUT_BYTES_MAX + PAD], tokens[sizeof shape + PAD];
  Place places[LEAVES_MAX + 1]; /* the last one is the end of the line */
  u32 count, size;              /* leaves; bytes of tokens */
  u32 number;                   /* of the shape */
} Layout;

static Layout layouts[LAYOUTS_MAX];
static u32 fitted_at[LAYOUTS_MAX]; /* when each fitted last; 0 where there is no layout */
static u32 latest_layout, layout_clock;

static void forget_layouts(void) {
  for (u32 i = 0; i < LAYOUTS_MAX; i++) fitted_at[i] = 0;
}

/* Finds out how far one may compare at once. */
static void set_runs(Layout *l) {
  for (u32 i = l->count + 1; i-- > 0;) {
    Place *place = &l->places[i];
    place->stop = place->is_word ? place[1].stop : (u16)i;
    const Place *stop = &l->places[place->stop];
    place->run = (u16)(stop->at + stop->fixed - place->at);
    place->run_tokens = (u16)(stop->token + stop->tokens - place->token);
  }
}

/* Whether there is room for the layout of the line that was parsed from `begin` to `end`. */
static int has_room_for_layout(const u8 *begin, const u8 *end) {
  u32 bytes = (u32)(end - begin);
  if (noted.count > LEAVES_MAX) return 0;
  for (u32 i = 0; i < noted.count; i++)
    if (!noted.leaves[i].is_word) bytes -= (u32)(noted.leaves[i].behind - noted.leaves[i].at);
  return bytes <= LAYOUT_BYTES_MAX;
}

/* Keeps the layout of the line that was parsed from `begin` to `end`, in the place of the one that fitted least lately. */
static void keep_layout(const u8 *begin, const u8 *end, u32 number) {
  if (!has_room_for_layout(begin, end)) return;
  u32 size = (u32)(o - shape), bytes = 0, token = 0, chosen = 0;
  noted.leaves[noted.count] = (Leaf){{NO_LEAF, 0, 0}, end, end, size, size, 0};
  for (u32 i = 1; i < LAYOUTS_MAX; i++)
    if (fitted_at[i] < fitted_at[chosen]) chosen = i;
  Layout *l = &layouts[chosen];
  for (u32 i = 0; i <= noted.count; i++) {
    const Leaf *leaf = &noted.leaves[i];
    u32 fixed = (u32)(leaf->at - begin), word = leaf->is_word ? (u32)(leaf->behind - leaf->at) : 0;
    copy(l->bytes + bytes, begin, fixed + word);
    l->places[i] = (Place){
      .reader = leaf->reader, .first = *leaf->at, .is_word = leaf->is_word != 0,
      .at = (u16)bytes, .fixed = (u16)fixed, .size = (u16)word,
      .token = (u16)token, .tokens = (u16)(leaf->token - token),
    };
    bytes += fixed + word;
    token = leaf->token_behind;
    begin = leaf->behind;
  }
  copy(l->tokens, shape, size);
  l->count = noted.count;
  l->size = size;
  l->number = number;
  fitted_at[chosen] = ++layout_clock;
  latest_layout = chosen;
  set_runs(l);
}

/* ---- lines by layouts ---- */

static const u8 *leaf_by(Reader reader, const u8 *p) {
  switch (reader.by) {
  case UNREAD: case UNREAD_BUT_OBJECTS: return value(p, reader.depth);
  case OF_KIND: return value_under(p, reader.what, reader.depth);
  default: return value_of_line(p, reader.what, reader.depth);
  }
}

/* Whether a leaf may begin at p. Blanks before it are fixed; an object has leaves of its own, as an array of objects
   has. */
static inline int may_begin(const Place *place, const u8 *p) {
  if (*p <= ' ') return place->reader.by == NO_LEAF;
  return (*p != '{' && *p != '[') || *p == place->first || place->reader.by == UNREAD;
}

static inline const u8 *behind_same(const u8 *p, const u8 *bytes, u32 size) {
  return p + size <= text_end && same(p, bytes, size) ? p + size : 0;
}

/* Where a layout ends to fit: at the beginning of that place, with the tokens and holes of all before it; 0 where a leaf
   could not be read, as none can that is another layout's. */
typedef struct {
  const u8 *p;
  u32 place;
} Reached;

/* Reads a line by a layout from the place on that was reached. Returns the place behind it; or 0, and how far it fits. */
static const u8 *by_layout(Layout *l, Reached *reached) {
  const u8 *p = reached->p;
  for (u32 i = reached->place;; i++) {
    Place *place = &l->places[i], *stop = &l->places[place->stop];
    const u8 *bytes = l->bytes + place->at, *at = behind_same(p, bytes, place->run);
    u32 tokens = place->run_tokens;
    if (!at || !may_begin(stop, at)) {
      stop = place;
      at = behind_same(p, bytes, place->fixed);
      tokens = place->tokens;
      if (!at || !may_begin(stop, at)) {
        *reached = (Reached){p, i};
        return 0;
      }
      if (place->is_word && !behind_same(at, bytes + place->fixed, place->size)) { /* it is no word */
        place->is_word = 0;
        set_runs(l);
      }
    }
    reached->p = 0;
    if (o + tokens > shape + SHAPE_BYTES_MAX) return 0;
    copy(o, l->tokens + place->token, tokens);
    o += tokens;
    if (stop->reader.by == NO_LEAF) return at;
    if (!has_room() || !(p = leaf_by(stop->reader, at))) return 0;
    i = (u32)(stop - l->places);
  }
}

/* Whether so many of the first places of two layouts are the same: what is fixed says what reads the leaf behind it. No
   leaf stands behind what the end of a line does, a brace. */
static int begin_alike(const Layout *one, const Layout *other, u32 places) {
  for (u32 i = 0; i < places; i++) {
    const Place *a = &one->places[i], *b = &other->places[i];
    if (a->fixed != b->fixed || !same(one->bytes + a->at, other->bytes + b->at, a->fixed)) return 0;
  }
  return 1;
}

/* The number of the shape of a line that begins at p; -1 where it is like none before it. A layout that has the places
   in common that another one fitted goes on from there. */
static int like_one_before(const u8 *p) {
  Reached reached = {p, 0};
  u32 before = latest_layout;
  for (u32 i = 0; i < LAYOUTS_MAX; i++) {
    u32 tried = (latest_layout + i) % LAYOUTS_MAX;
    Layout *l = &layouts[tried];
    if (!fitted_at[tried] || (i && !begin_alike(&layouts[before], l, reached.place))) continue;
    before = tried;
    if (!(p = by_layout(l, &reached)) && reached.p) continue;
    if (!p || blanks(p) != text_end) return -1;
    fitted_at[tried] = ++layout_clock;
    latest_layout = tried;
    u32 size = (u32)(o - shape);
    return size == l->size && same(shape, l->tokens, size) ? (int)l->number : shape_number();
  }
  return -1;
}
