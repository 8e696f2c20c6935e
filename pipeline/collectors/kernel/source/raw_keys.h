/* Where raw keys may begin among the ids of a block: behind one of the beginnings that keys have. Twin: raw_keys.py, of
   which raw_ids.py makes the tables. */
#pragma once
#include "shapes.h"

enum { OF_THIRD, OF_SECOND, OF_LAST, CHARACTERS, KEY_BEGINNINGS_MAX = 32, KEY_BEGINNING_BYTES_MAX = 24 };

/* For each of the last three characters of beginnings, by its halves: of which groups of beginnings it may be. */
static u8 key_endings[CHARACTERS][2][16];
static u8 key_beginnings[KEY_BEGINNINGS_MAX][KEY_BEGINNING_BYTES_MAX]; /* its size, 0 of none; at the end, its text */
static u32 key_places[LINES_MAX];                                      /* behind the last character */

static inline v16 groups_of(int which, v16 c) {
  return looked_up(key_endings[which][0], c & all(15)) & looked_up(key_endings[which][1], c >> 4);
}

/* Whether the beginning of a key ends at a place in `texts`. */
static int is_behind_beginning(u32 at) {
  const u8 *behind = texts + at;
  u32 last_three = behind[-3] | (u32)behind[-2] << 8 | (u32)behind[-1] << 16;
  for (u32 i = 0; i < KEY_BEGINNINGS_MAX; i++) {
    const u8 *end = key_beginnings[i] + KEY_BEGINNING_BYTES_MAX;
    u32 last_four, size = key_beginnings[i][0];
    __builtin_memcpy(&last_four, end - 4, 4);
    if (last_four >> 8 == last_three && size <= at && equal(behind - size, end - size, size)) return 1;
  }
  return 0;
}

/* Notes the places in `texts` from one on, up to another, until there is no room for more; returns how many. */
static u32 find_keys(u32 from, u32 to) {
  u32 found = 0;
  for (u32 at = from; at + 2 < to; at += 16) {
    const u8 *p = texts + at;
    v16 groups = groups_of(OF_THIRD, load(p)) & groups_of(OF_SECOND, load(p + 1)) & groups_of(OF_LAST, load(p + 2));
    u32 here = bits((v16)(groups != all(0)));
    for (; here; here &= here - 1) {
      u32 end = at + (u32)__builtin_ctz(here) + 3;
      if (end > to) break;
      if (!is_behind_beginning(end)) continue;
      key_places[found++] = end;
      if (found == LINES_MAX) return found;
    }
  }
  return found;
}
