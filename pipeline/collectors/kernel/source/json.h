/* JSON, strictly: RFC 8259 and nothing beside it. Twin: strict_json.py, and the standard library's decoder below it.

   Every function takes the place where something begins and returns the place behind it, or 0. A 0 has two reasons:
   the text is broken there (`broken`), which the plain reader sees as well, or this reader is not sure (`unsure`). Only
   a text that is broken where it ends may be left out, as a chunk that was cut; everything else that is 0 is handed
   over. A zero byte stands behind every text: it begins no value and ends every one. */
#pragma once
#include "bytes.h"

static const u8 *text_end; /* of the text that is being read */
static int is_cut;         /* whether the last 0 meant that the text ended too early */
static int depth_max;      /* objects and arrays nested deeper are handed over */

static const u8 *broken(const u8 *p) {
  is_cut = p == text_end;
  return 0;
}

static const u8 *unsure(void) {
  is_cut = 0;
  return 0;
}

static inline const u8 *blanks(const u8 *p) {
  while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r') p++;
  return p;
}

/* To the next quote, backslash or control character. */
static inline const u8 *plain(const u8 *p) {
  for (;; p += 16) {
    v16 c = load(p);
    u32 stop = bits((v16)(c == all('"')) | (v16)(c == all('\\')) | (v16)(c < all(0x20)));
    if (stop) return p + __builtin_ctz(stop);
  }
}

static const u8 *escape(const u8 *p) { /* p at the backslash */
  switch (p[1]) {
  case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': return p + 2;
  case 'u': break;
  default: return broken(p + 1);
  }
  for (int i = 2; i < 6; i++)
    if (hex(p[i]) < 0) return broken(p + i);
  return p + 6;
}

/* Which of sixteen bytes are escaped by a backslash; `is_escaped`: whether the first one is, and then whether the one
   behind them is. Of backslashes in a row every second one is escaped: where a row begins is added to it, so that what
   is carried out of it says which is the last. (Langdale and Lemire, simdjson.) */
static inline u32 escaped_of(u32 slashes, u32 *is_escaped) {
  u32 odd = 0xAAAA, rows = slashes & ~*is_escaped, ends = ((rows << 1 | odd) - rows) ^ odd;
  u32 escaped = (ends ^ (slashes | *is_escaped)) & 0xFFFF;
  *is_escaped = (ends & slashes) >> 15 & 1;
  return escaped;
}

/* Which of sixteen bytes are an escape behind a backslash: "\\/bfnrt. */
static inline u32 short_escapes(v16 c) {
  static const u8 of_low[16] = {[2] = 1 | 4 | 8, [4] = 8, [6] = 4, [12] = 2, [14] = 4, [15] = 1};
  static const u8 of_high[16] = {[2] = 1, [5] = 2, [6] = 4, [7] = 8};
  return bits((v16)((looked_up(of_low, c & all(15)) & looked_up(of_high, c >> 4)) != all(0)));
}

static const u8 *string(const u8 *p) { /* p behind the opening quote */
  u32 is_escaped = 0;
  for (;; p += 16) {
    v16 c = load(p);
    u32 slashes = bits((v16)(c == all('\\')));
    u32 stop = bits((v16)(c == all('"')) | (v16)(c < all(0x20)));
    if (slashes | is_escaped) {
      u32 escaped = escaped_of(slashes, &is_escaped), others = escaped & ~short_escapes(c);
      stop &= ~escaped;
      for (others &= (stop & -stop) - 1; others; others &= others - 1) /* before the string ends */
        if (!escape(p + __builtin_ctz(others) - 1)) return 0;
    }
    if (stop) {
      p += __builtin_ctz(stop);
      return *p == '"' ? p + 1 : broken(p);
    }
  }
}

static const u8 *word(const u8 *p, const char *letters) {
  for (; *letters; letters++, p++)
    if (*p != (u8)*letters) return broken(p);
  return p;
}

/* To the next byte that is no digit. */
static inline const u8 *digits(const u8 *p) {
  for (;; p += 16) {
    u32 stop = bits((v16)(load(p) - all('0') >= all(10)));
    if (stop) return p + __builtin_ctz(stop);
  }
}

/* A number, however large it is: whoever asks for it looks at its digits. */
static const u8 *number(const u8 *p) {
  if (*p == '-') p++;
  if (*p == '0') p++;
  else if (!is_digit(*p)) return broken(p);
  else while (is_digit(*p)) p++;
  if (*p == '.') {
    if (!is_digit(*++p)) return broken(p);
    p = digits(p);
  }
  if ((*p | 32) == 'e') {
    if (*++p == '+' || *p == '-') p++;
    if (!is_digit(*p)) return broken(p);
    while (is_digit(*p)) p++;
  }
  return p;
}

/* Where one is in an object. */
typedef struct {
  Text key;
  int is_inside, is_escaped; /* behind the brace; a key has an escape */
} Members;

enum { NO_MEMBER = -1, LAST_MEMBER = 0, MEMBER = 1 }; /* elements of arrays are members as well */

static int no_member(const u8 *p) {
  broken(p);
  return NO_MEMBER;
}

/* The next member of an object: `*at` is at its value then, or behind the closing brace. */
static int next(const u8 **at, Members *m) {
  const u8 *p = blanks(*at);
  if (!m->is_inside) {
    m->is_inside = 1;
    p = blanks(p + 1);
    if (*p == '}') {
      *at = p + 1;
      return LAST_MEMBER;
    }
  } else if (*p == '}') {
    *at = p + 1;
    return LAST_MEMBER;
  } else if (*p == ',') {
    p = blanks(p + 1);
  } else {
    return no_member(p);
  }
  if (*p != '"') return no_member(p);
  m->key.at = p + 1;
  p = plain(p + 1);
  if (*p != '"') {
    m->is_escaped = 1;
    if (!(p = string(p))) return NO_MEMBER;
    p--;
  }
  m->key.size = (u32)(p - m->key.at);
  p = blanks(p + 1);
  if (*p != ':') return no_member(p);
  *at = blanks(p + 1);
  return MEMBER;
}

/* The next element of an array: `*at` is where it begins then, or behind the closing bracket. Behind a comma there is
   one: whoever reads it finds that a bracket begins none. */
static int next_element(const u8 **at, int *is_inside) {
  const u8 *p = blanks(*is_inside ? *at : *at + 1);
  if (*p == ']') {
    *at = p + 1;
    return LAST_MEMBER;
  }
  if (*is_inside && *p != ',') return no_member(p);
  *at = *is_inside ? blanks(p + 1) : p;
  *is_inside = 1;
  return MEMBER;
}

static const u8 *value(const u8 *p, int depth);

static const u8 *any_object(const u8 *p, int depth) {
  Members m = {0};
  int found;
  while ((found = next(&p, &m)) == MEMBER)
    if (!(p = value(p, depth))) return 0;
  return found == LAST_MEMBER ? p : 0;
}

static const u8 *any_array(const u8 *p, int depth) {
  int found, is_inside = 0;
  while ((found = next_element(&p, &is_inside)) == MEMBER)
    if (!(p = value(p, depth))) return 0;
  return found == LAST_MEMBER ? p : 0;
}

/* Any JSON, of which nothing is kept; `depth` containers are open around it. */
static const u8 *value(const u8 *p, int depth) {
  switch (*p) {
  case '"': return string(p + 1);
  case 't': return word(p, "true");
  case 'f': return word(p, "false");
  case 'n': return word(p, "null");
  case '{': return depth < depth_max ? any_object(p, depth + 1) : unsure();
  case '[': return depth < depth_max ? any_array(p, depth + 1) : unsure();
  default: return number(p);
  }
}

/* Four hexadecimal digits; below zero where one is none. */
static inline int hex4(const u8 *p) { return hex(p[0]) << 12 | hex(p[1]) << 8 | hex(p[2]) << 4 | hex(p[3]); }

static u8 *put_character(u8 *o, u32 code) {
  if (code < 0x80) {
    *o++ = (u8)code;
  } else if (code < 0x800) {
    *o++ = (u8)(0xC0 | code >> 6);
    *o++ = (u8)(0x80 | (code & 63));
  } else if (code < 0x10000) {
    *o++ = (u8)(0xE0 | code >> 12);
    *o++ = (u8)(0x80 | (code >> 6 & 63));
    *o++ = (u8)(0x80 | (code & 63));
  } else {
    *o++ = (u8)(0xF0 | code >> 18);
    *o++ = (u8)(0x80 | (code >> 12 & 63));
    *o++ = (u8)(0x80 | (code >> 6 & 63));
    *o++ = (u8)(0x80 | (code & 63));
  }
  return o;
}

/* Of eight bytes, those that are left without some: their places, for each set of those that go. */
static u8 places_left[256 + 1][8];

static void fill_places_left(void) {
  for (u32 gone = 0; gone < 256; gone++)
    for (u32 i = 0, left = 0; i < 8; i++)
      if (!(gone >> i & 1)) places_left[gone][left++] = (u8)i;
}

/* Puts sixteen bytes without some; returns the place behind them. */
static inline u8 *put_left(u8 *o, v16 c, u32 gone) {
  u32 low = gone & 0xFF, high = gone >> 8;
  v16 first = picked(c, load(places_left[low])), second = picked(c, load(places_left[high]) + all(8));
  __builtin_memcpy(o, &first, 16);
  o += 8 - __builtin_popcount(low);
  __builtin_memcpy(o, &second, 16);
  return o + 8 - __builtin_popcount(high);
}

/* What is written as an escape, which begins at p; the place behind it, or 0. A lone surrogate is one. */
static const u8 *escaped_character(const u8 *p, u32 *code) {
  const u8 *behind = escape(p);
  if (!behind) return 0;
  switch (*code = p[1]) {
  case 'b': *code = '\b'; break;
  case 'f': *code = '\f'; break;
  case 'n': *code = '\n'; break;
  case 'r': *code = '\r'; break;
  case 't': *code = '\t'; break;
  case 'u':
    *code = (u32)hex4(p + 2);
    if ((*code & 0xFC00) == 0xD800 && behind[0] == '\\' && behind[1] == 'u') {
      const u8 *pair = escape(behind);
      if (!pair) return 0;
      u32 low = (u32)hex4(behind + 2);
      if ((low & 0xFC00) == 0xDC00) {
        *code = 0x10000 + ((*code & 0x3FF) << 10 | (low & 0x3FF));
        behind = pair;
      }
    }
  }
  return behind;
}

/* Decodes a string to `*out` up to its closing quote, or to the end of a line in it: LF, and CR where `has_cr_ends`.
   Returns the place of what stopped it; a zero byte stands behind what was decoded. A lone surrogate is kept in the
   way of UTF-8: no id has one, and of words and keys the host finds out that they are no text. Quotes and backslashes,
   which nearly all escapes are, only lose the backslash before them. */
static const u8 *decoded(const u8 *p, u8 **out, int has_lf_ends, int has_cr_ends) {
  u8 *o = *out;
  u32 is_escaped = 0, code;
  for (;;) {
    v16 c = load(p);
    u32 slashes = bits((v16)(c == all('\\'))), others = bits((v16)(c == all('"')) | (v16)(c < all(0x20)));
    if (!(slashes | others | is_escaped)) {
      __builtin_memcpy(o, &c, 16);
      p += 16;
      o += 16;
      continue;
    }
    u32 escaped = escaped_of(slashes, &is_escaped), gone = slashes & ~escaped;
    u32 stop = (others & ~escaped) | (escaped & ~slashes & ~bits((v16)(c == all('"'))));
    u8 *behind_all = put_left(o, c, gone);
    if (!stop) {
      p += 16;
      o = behind_all;
      continue;
    }
    u32 skipped = (u32)__builtin_ctz(stop);
    p += skipped;
    o += skipped - (u32)__builtin_popcount(gone & ((1u << skipped) - 1));
    if (!(escaped >> skipped & 1)) {
      if (*p != '"') return broken(p);
      break;
    }
    is_escaped = 0;
    const u8 *behind = escaped_character(--p, &code);
    if (!behind) return 0;
    if ((has_lf_ends && code == '\n') || (has_cr_ends && code == '\r')) break;
    o = put_character(o, code);
    p = behind;
  }
  *o = 0;
  *out = o;
  return p;
}
