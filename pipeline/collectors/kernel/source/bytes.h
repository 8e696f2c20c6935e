/* Bytes: sixteen at a time, copies, comparisons, classes of characters. Nothing here knows of JSON's rules. */
#pragma once
#include <stdint.h>
#include <wasm_simd128.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;
typedef u8 v16 __attribute__((vector_size(16)));

/* What the host may call. */
#define EXPORT(name) __attribute__((export_name(#name))) name

/* So many bytes after any text may be read, and are no part of it. */
enum { PAD = 64 };

typedef struct {
  const u8 *at;
  u32 size;
} Text;

static inline v16 load(const u8 *p) {
  v16 v;
  __builtin_memcpy(&v, p, 16);
  return v;
}

static inline v16 all(u8 c) { return (v16)wasm_i8x16_splat((int8_t)c); }
static inline u32 bits(v16 v) { return wasm_i8x16_bitmask((v128_t)v); }
static inline int is_zero(v16 v) { return !wasm_v128_any_true((v128_t)v); }

static inline u64 eight(const u8 *p) {
  u64 x;
  __builtin_memcpy(&x, p, 8);
  return x;
}

/* Of eight bytes, the first ones, which are less than eight. */
static inline u64 first_of(u64 x, u32 count) { return x & (((u64)1 << count * 8) - 1); }

static inline int equal(const u8 *one, const u8 *other, u32 size) {
  u32 i = 0;
  for (; i + 8 <= size; i += 8)
    if (eight(one + i) != eight(other + i)) return 0;
  return !first_of(eight(one + i) ^ eight(other + i), size - i);
}

/* The same for texts that nearly always are equal: one decision at the end. */
static inline int same(const u8 *one, const u8 *other, u32 size) {
  if (size < 16) return equal(one, other, size);
  v16 differing = load(one + size - 16) ^ load(other + size - 16);
  u32 i = 0;
  for (; i + 64 <= size; i += 64)
    differing |= (load(one + i) ^ load(other + i)) | (load(one + i + 16) ^ load(other + i + 16)) |
                 (load(one + i + 32) ^ load(other + i + 32)) | (load(one + i + 48) ^ load(other + i + 48));
  for (; i + 16 <= size; i += 16) differing |= load(one + i) ^ load(other + i);
  return is_zero(differing);
}

static inline int begins_with(const u8 *p, const char *word) {
  for (; *word; word++, p++)
    if (*p != (u8)*word) return 0;
  return 1;
}

/* What is copied is mostly short, and `memory.copy` is a call. */
static inline void copy(u8 *to, const u8 *from, u32 size) {
  if (size >= 16) {
    for (u32 i = 0; i + 16 <= size; i += 16) __builtin_memcpy(to + i, from + i, 16);
    __builtin_memcpy(to + size - 16, from + size - 16, 16);
  } else if (size >= 8) {
    __builtin_memcpy(to, from, 8);
    __builtin_memcpy(to + size - 8, from + size - 8, 8);
  } else {
    for (u32 i = 0; i < size; i++) to[i] = from[i];
  }
}

static inline int is_digit(u8 c) { return c >= '0' && c <= '9'; }

/* The value of a hexadecimal digit, -1 of anything else. */
static inline int hex(u8 c) {
  if (is_digit(c)) return c - '0';
  u8 small = c | 32;
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

/* Of texts that hash alike nothing is believed: they are compared. */
static inline u64 hash_of(const u8 *p, u32 size, u64 h) {
  u32 i = 0;
  for (; i + 8 <= size; i += 8) {
    h = (h ^ eight(p + i)) * 0x9E3779B97F4A7C15u;
    h ^= h >> 29;
  }
  h = (h ^ first_of(eight(p + i), size - i)) * 0x9E3779B97F4A7C15u;
  return h ^ h >> 32;
}

/* ---- UTF-8 ---- */

/* What may be wrong with two bytes in a row. The halves of both are looked up; what all three tables say is so. (Keiser
   and Lemire, Validating UTF-8 In Less Than One Instruction Per Byte, 2021.) */
enum {
  SHORT = 1,             /* a character that goes on, and no byte that goes on */
  LONG = 2,              /* a byte that goes on behind ASCII */
  OVERLONG_3 = 4, SURROGATE = 16, OVERLONG_2 = 32,
  ABOVE = 8,             /* above U+10FFFF: F4 90 and more */
  ABOVE_OR_OVERLONG = 64, /* likewise behind F5 and more; or of four bytes where fewer do */
  TWO = 128,             /* two bytes that go on, which is right in characters of three and four */
  ANY_LOW = SHORT | LONG | TWO,
  ANY_LAST = LONG | OVERLONG_2 | TWO,
};

static const u8 of_first_high[16] = {
  LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG, TWO, TWO, TWO, TWO,
  SHORT | OVERLONG_2, SHORT, SHORT | OVERLONG_3 | SURROGATE, SHORT | ABOVE | ABOVE_OR_OVERLONG,
};
static const u8 of_first_low[16] = {
  ANY_LOW | OVERLONG_2 | OVERLONG_3 | ABOVE_OR_OVERLONG, ANY_LOW | OVERLONG_2, ANY_LOW, ANY_LOW, ANY_LOW | ABOVE,
  ANY_LOW | ABOVE | ABOVE_OR_OVERLONG, ANY_LOW | ABOVE | ABOVE_OR_OVERLONG, ANY_LOW | ABOVE | ABOVE_OR_OVERLONG,
  ANY_LOW | ABOVE | ABOVE_OR_OVERLONG, ANY_LOW | ABOVE | ABOVE_OR_OVERLONG, ANY_LOW | ABOVE | ABOVE_OR_OVERLONG,
  ANY_LOW | ABOVE | ABOVE_OR_OVERLONG, ANY_LOW | ABOVE | ABOVE_OR_OVERLONG,
  ANY_LOW | ABOVE | ABOVE_OR_OVERLONG | SURROGATE, ANY_LOW | ABOVE | ABOVE_OR_OVERLONG,
  ANY_LOW | ABOVE | ABOVE_OR_OVERLONG,
};
static const u8 of_second_high[16] = {
  SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, ANY_LAST | OVERLONG_3 | ABOVE_OR_OVERLONG,
  ANY_LAST | OVERLONG_3 | ABOVE, ANY_LAST | SURROGATE | ABOVE, ANY_LAST | SURROGATE | ABOVE, SHORT, SHORT, SHORT, SHORT,
};

static inline v16 picked(v16 v, v16 at) { return (v16)wasm_i8x16_swizzle((v128_t)v, (v128_t)at); }
static inline v16 looked_up(const u8 *table, v16 at) { return picked(load(table), at); }
static inline v16 less(v16 v, u8 by) { return (v16)wasm_u8x16_sub_sat((v128_t)v, (v128_t)all(by)); }

/* The bytes that stand one, two, three before those of `now`. */
#define BEHIND(before, now, n) \
  __builtin_shufflevector(before, now, 16 - n, 17 - n, 18 - n, 19 - n, 20 - n, 21 - n, 22 - n, 23 - n, 24 - n, 25 - n, \
                          26 - n, 27 - n, 28 - n, 29 - n, 30 - n, 31 - n)

/* What is wrong in sixteen bytes behind others. */
static inline v16 no_utf8(v16 before, v16 now) {
  v16 first = BEHIND(before, now, 1), second = BEHIND(before, now, 2), third = BEHIND(before, now, 3);
  v16 found = looked_up(of_first_high, first >> 4) & looked_up(of_first_low, first & all(15)) &
              looked_up(of_second_high, now >> 4);
  return ((less(second, 0xE0 - 0x80) | less(third, 0xF0 - 0x80)) & all(TWO)) ^ found;
}

/* Whether sixty-four bytes are. */
static inline int is_ascii(const u8 *p) { return !bits(load(p) | load(p + 16) | load(p + 32) | load(p + 48)); }

/* Twin: the WHATWG's and Python's UTF-8 (`bytes.decode`): no overlong forms, no surrogates, nothing above U+10FFFF. */
static int is_utf8(const u8 *p, const u8 *end) {
  static const u8 counted[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  v16 before = all(0), wrong = all(0);
  for (; end - p >= 16; p += 16) {
    v16 now = load(p);
    if (bits(now) | bits(before) >> 13) wrong |= no_utf8(before, now); /* of three bytes before, one may go on */
    else while (end - p >= 80 && is_ascii(p + 16)) p += 64;
    before = now;
  }
  v16 last = load(p) & (v16)(load(counted) < all((u8)(end - p))); /* and a zero byte, which no character goes on with */
  return is_zero(wrong | no_utf8(before, last));
}
