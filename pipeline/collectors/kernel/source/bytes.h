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

static inline int equal(const u8 *one, const u8 *other, u32 size) {
  u32 i = 0;
  for (; i + 8 <= size; i += 8)
    if (eight(one + i) != eight(other + i)) return 0;
  for (; i < size; i++)
    if (one[i] != other[i]) return 0;
  return 1;
}

/* The same for texts that nearly always are equal: one decision at the end. */
static inline int same(const u8 *one, const u8 *other, u32 size) {
  if (size < 16) return equal(one, other, size);
  v16 differing = load(one + size - 16) ^ load(other + size - 16);
  for (u32 i = 0; i + 16 <= size; i += 16) differing |= load(one + i) ^ load(other + i);
  return is_zero(differing);
}

static inline int begins_with(const u8 *p, const char *word) {
  for (; *word; word++, p++)
    if (*p != (u8)*word) return 0;
  return 1;
}

static inline void copy(u8 *to, const u8 *from, u32 size) { __builtin_memcpy(to, from, size); }

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
  for (; i < size; i++) h = (h ^ p[i]) * 0x9E3779B97F4A7C15u;
  h ^= h >> 32;
  return h;
}

/* Twin: the WHATWG's and Python's UTF-8 (`bytes.decode`): no overlong forms, no surrogates, nothing above U+10FFFF. */
static int is_utf8(const u8 *p, const u8 *end) {
  for (;;) {
    u32 high;
    while (p < end && !(high = bits(load(p)))) p += 16;
    if (p >= end || (p += __builtin_ctz(high)) >= end) return 1;
    u8 a = *p, b = p[1];
    int more = a >= 0xC2 && a <= 0xDF ? 1 : a >= 0xE0 && a <= 0xEF ? 2 : a >= 0xF0 && a <= 0xF4 ? 3 : 0;
    if (!more || end - p <= more) return 0;
    if ((a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F)) return 0;
    if ((a == 0xF0 && b < 0x90) || (a == 0xF4 && b > 0x8F)) return 0;
    for (int i = 1; i <= more; i++)
      if ((p[i] & 0xC0) != 0x80) return 0;
    p += 1 + more;
  }
}
