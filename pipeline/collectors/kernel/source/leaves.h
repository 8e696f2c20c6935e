/* The *leaves* of the line that is parsed: the values in which lines of one layout may differ (`layouts.h`). */
#pragma once
#include "shapes.h"

enum {
  LEAVES_MAX = 96,            /* of a layout; a line with more has none */
  UNREAD_WORD_BYTES_MAX = 32, /* of a value nobody looks at, to be taken for a word */
};

/* What reads a leaf: `value`, `value_under` a kind, `value_of_line` under a name; at the end of the line, nothing.
   UNREAD_BUT_OBJECTS is a value nobody looks at that is looked at where it is an object. */
enum { UNREAD, OF_KIND, OF_NAME, NO_LEAF, UNREAD_BUT_OBJECTS };

typedef struct {
  u8 by, depth; /* what reads it, and how many containers are open around it, of at most 200 (program.py) */
  u16 what;     /* the kind or the name */
} Reader;

static inline Reader reader(u32 by, u32 what, int depth) { return (Reader){(u8)by, (u8)depth, (u16)what}; }

typedef struct {
  Reader reader;
  const u8 *at, *behind;
  u32 token, token_behind; /* offsets of its tokens in the shape */
  int is_word;             /* whether it is mostly as it was: its bytes are compared before it is read */
} Leaf;

static struct {
  Leaf leaves[LEAVES_MAX + 1];
  u32 count;  /* may be beyond LEAVES_MAX */
  int is_off; /* within a leaf, or where no line is parsed */
} noted = {.is_off = 1};

/* Notes a leaf that was read, from the token `begin` on; `behind` is 0 where it could not be read. */
static inline const u8 *note(Reader reader, const u8 *at, const u8 *behind, const u8 *begin, int is_word) {
  if (noted.is_off || !behind) return behind;
  if (noted.count < LEAVES_MAX)
    noted.leaves[noted.count] = (Leaf){reader, at, behind, (u32)(begin - shape), (u32)(o - shape), is_word};
  noted.count++;
  return behind;
}
