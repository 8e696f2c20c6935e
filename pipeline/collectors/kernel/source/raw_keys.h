/* Where raw keys may begin among the ids of a block: by the last three characters of their beginnings. Twin:
   raw_ids.py, which gives the tables, and looks at the whole beginning at each place that is found. */
#pragma once
#include "shapes.h"

enum { OF_THIRD, OF_SECOND, OF_LAST, CHARACTERS };

/* For each of three characters in a row, by its halves: of which groups of beginnings it may be. */
static u8 key_endings[CHARACTERS][2][16];
static u8 key_pairs[1 << 13];     /* a bit for each two characters: whether a beginning ends with them */
static u32 key_places[LINES_MAX]; /* behind the last character */

static inline v16 groups_of(int which, v16 c) {
  return looked_up(key_endings[which][0], c & all(15)) & looked_up(key_endings[which][1], c >> 4);
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
      u32 pair = (u32)texts[end - 2] << 8 | texts[end - 1];
      if (!(key_pairs[pair >> 3] >> (pair & 7) & 1)) continue;
      key_places[found++] = end;
      if (found == LINES_MAX) return found;
    }
  }
  return found;
}
