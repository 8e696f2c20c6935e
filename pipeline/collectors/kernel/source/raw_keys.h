/* Where raw keys may begin among the ids of a block: behind one of the beginnings that keys have. Twin: raw_keys.py. */
#pragma once
#include "shapes.h"

enum { OF_THIRD, OF_SECOND, OF_LAST, CHARACTERS, GROUP = 4, KEY_BEGINNINGS_MAX = 8 * GROUP, KEY_BEGINNING_BYTES_MAX = 24 };

/* The size of each, 0 of none, and at the end its text; those that end alike stand together. */
static u8 key_beginnings[KEY_BEGINNINGS_MAX][KEY_BEGINNING_BYTES_MAX];
/* For each of their last three characters, by its halves: of which groups it may be. */
static u8 key_endings[CHARACTERS][2][16];
static u32 key_places[TEXTS_BYTES_MAX]; /* behind the last character */

static void fill_key_endings(void) {
  for (u32 i = 0; i < KEY_BEGINNINGS_MAX; i++)
    for (u32 which = 0; which < CHARACTERS && key_beginnings[i][0]; which++) {
      u8 c = key_beginnings[i][KEY_BEGINNING_BYTES_MAX - CHARACTERS + which];
      key_endings[which][0][c & 15] |= 1 << i / GROUP;
      key_endings[which][1][c >> 4] |= 1 << i / GROUP;
    }
}

static inline v16 groups_of(int which, v16 c) {
  return looked_up(key_endings[which][0], c & all(15)) & looked_up(key_endings[which][1], c >> 4);
}

/* Whether the beginning of a key ends at a place in `texts`; it is of one of some groups. */
static int is_behind_beginning(u32 at, u8 groups) {
  const u8 *behind = texts + at;
  for (; groups; groups &= groups - 1)
    for (u32 i = 0; i < GROUP; i++) {
      const u8 *row = key_beginnings[(u32)__builtin_ctz(groups) * GROUP + i];
      if (*row && *row <= at && equal(behind - *row, row + KEY_BEGINNING_BYTES_MAX - *row, *row)) return 1;
    }
  return 0;
}

/* Notes the places in the first bytes of `texts`; returns how many. */
u32 EXPORT(keys_in)(u32 size) {
  u32 found = 0;
  for (u32 at = 0; at + 2 < size; at += 16) {
    const u8 *p = texts + at;
    v16 groups = groups_of(OF_THIRD, load(p)) & groups_of(OF_SECOND, load(p + 1)) & groups_of(OF_LAST, load(p + 2));
    for (u32 here = bits((v16)(groups != all(0))); here; here &= here - 1) {
      u32 first = (u32)__builtin_ctz(here), end = at + first + 3;
      if (end > size) break;
      if (is_behind_beginning(end, groups[first])) key_places[found++] = end;
    }
  }
  return found;
}
