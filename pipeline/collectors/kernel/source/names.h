/* The names that are looked at, of a body and of a line, and what is taken of the values under them. */
#pragma once
#include "shapes.h"

enum { NAMES_MAX = 3328, NAME_BYTES_MAX = 64, NAME_SLOTS = 8192 };
enum { OF_BODY = 0, OF_LINE = 1, OF_INNER = 2, OF_EVERY = 1 << 15 }; /* whose a name is: `names.OF_BODY` says it */

/* What is taken of the value under a name: `names.Kind` says it. The last two are of affixes. */
enum {
  LITERAL, COUNTED, TEXTUAL, IDENTIFYING, INSIDE, KEYED, TIMED, RESPONSE, ONLY_NULL, NEVER, WHOLE, PRESENT, EVERY,
  HEADERS, GROUPS, ROWS, PAIRS, NESTED, OBJECTS, ELAPSED, WORDS, BEGINNING, ENDING,
};

static struct {
  u8 bytes[NAME_BYTES_MAX];
  u32 size, owner, kind;
} names[NAMES_MAX]; /* affixes first */
static u32 affix_count, name_slots[NAME_SLOTS];

enum { NO_NAME = NAMES_MAX };

static inline u32 slot_of(Text name, u32 owner) { return (u32)hash_of(name.at, name.size, owner) % NAME_SLOTS; }

static inline u32 named_by(Text name, u32 owner) {
  for (u32 at = slot_of(name, owner); name_slots[at]; at = (at + 1) % NAME_SLOTS) {
    u32 n = name_slots[at] - 1;
    if (names[n].size == name.size && names[n].owner == owner && equal(names[n].bytes, name.at, name.size)) return n;
  }
  return NO_NAME;
}

/* The number of a name of an object of the line: its own one, or one that code looks up in every object of its kind. */
static inline u32 named(Text name, u32 owner) {
  if (name.size > NAME_BYTES_MAX) return NO_NAME;
  u32 own = named_by(name, owner);
  return own == NO_NAME && owner >= OF_INNER ? named_by(name, OF_EVERY + names[owner - OF_INNER].kind) : own;
}

/* Whether a name that is written with capitals is looked up in small letters, and so is handed over. Twins: bedrock._word,
   access_logs.key_in; paths of rules are looked up by their very letters (mapping._at). */
static int is_meant_in_capitals(Text name, u32 owner) {
  u8 small[NAME_BYTES_MAX + PAD];
  if (name.size > NAME_BYTES_MAX) return 0;
  for (u32 i = 0; i < name.size; i++) {
    if (name.at[i] >= 0x80) return 1; /* there are other characters whose small letter is one of these */
    small[i] = name.at[i] >= 'A' && name.at[i] <= 'Z' ? name.at[i] | 32 : name.at[i];
  }
  u32 n = named((Text){small, name.size}, owner);
  return n != NO_NAME && (names[n].kind == NEVER || names[n].kind == KEYED);
}

/* Whether a reader asks for all names that begin or end so. */
static int has_affix(Text name) {
  for (u32 i = 0; i < affix_count; i++) {
    u32 size = names[i].size;
    if (name.size < size) continue;
    if (equal(names[i].kind == ENDING ? name.at + name.size - size : name.at, names[i].bytes, size)) return 1;
  }
  return 0;
}
