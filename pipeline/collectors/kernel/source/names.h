/* The names that are looked at, of a body and of a line, and what is taken of the values under them. */
#pragma once
#include "shapes.h"

enum { NAMES_MAX = 3328, NAME_BYTES_MAX = 64, NAME_SLOTS = 8192, SUFFIXES_MAX = 8 };
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
  RESPONSE,     /* the body, or a stream within one */
  ONLY_NULL,    /* anything else is handed over */
  NEVER,        /* handed over, whatever it is */
  WHOLE,        /* an object, of which the names of bodies are looked at */
  PRESENT,      /* of which kind of JSON it is, and whether it is true */
  EVERY,        /* an object of counts, of which all names are looked at */
  TIMED_IN_UTC, /* an instant, in UTC where it states no offset */
  HEADERS,      /* an object of the line, of whose names NEVER and KEYED are meant in whatever letters */
  GROUPS,       /* an array of objects in which arrays of exchanges lie */
  ROWS,         /* an array of objects, each of which is an exchange */
  PAIRS,        /* an array of pairs, whose keys are names */
  NESTED,       /* any value, of whose objects the names of bodies are looked at */
  OBJECTS,      /* an object of the line, of which every object is looked at so, with its name */
  ELAPSED,      /* seconds that something took */
  WORDS,        /* of a text, which of some words it is, or that it is none */
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
