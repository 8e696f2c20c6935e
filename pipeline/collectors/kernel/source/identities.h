/* SHA-256 of identities, four at a time. Twin: identity.event_ids, of which the host gives the beginnings. */
#pragma once
#include "shapes.h"

enum { BEGINNING_BYTES_MAX = 256, MESSAGE_BYTES_MAX = 896, EVENT_ID_BYTES = 16 };
enum { IDS_OF_IDENTITY = 2 };

/* What the host says of each row: with which of `beginnings` its message begins, and where its ids lie in `texts`; one of
   no size is none. */
static u8 beginnings[ROWS_MAX][BEGINNING_BYTES_MAX];
static u32 beginning_sizes[ROWS_MAX];
static u32 begun[ROWS_MAX][8]; /* the state behind the first block of a beginning that fills one */
static u32 id_beginnings[ROWS_MAX], id_places[IDS_OF_IDENTITY][ROWS_MAX], id_sizes[IDS_OF_IDENTITY][ROWS_MAX];
static u8 event_ids[ROWS_MAX][EVENT_ID_BYTES];

typedef u32 x4 __attribute__((vector_size(16)));

static const u32 round_constants[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
static const u32 initial_state[8] = {
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static inline x4 rotated(x4 x, int by) { return x >> by | x << (32 - by); }

/* One block of sixteen words into a state, in four lanes (FIPS 180-4, 6.2.2). */
static void compress(x4 *state, const x4 *block_words) {
  x4 w[64], s[8];
  for (int i = 0; i < 16; i++) w[i] = block_words[i];
  for (int i = 16; i < 64; i++) {
    x4 s0 = rotated(w[i - 15], 7) ^ rotated(w[i - 15], 18) ^ w[i - 15] >> 3;
    x4 s1 = rotated(w[i - 2], 17) ^ rotated(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  for (int i = 0; i < 8; i++) s[i] = state[i];
  for (int i = 0; i < 64; i++) {
    x4 s1 = rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25);
    x4 choice = ((s[5] ^ s[6]) & s[4]) ^ s[6];
    x4 t1 = s[7] + s1 + choice + round_constants[i] + w[i];
    x4 s0 = rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22);
    x4 majority = (s[0] & s[1]) ^ ((s[0] ^ s[1]) & s[2]);
    for (int j = 7; j > 0; j--) s[j] = s[j - 1];
    s[4] += t1;
    s[0] = t1 + s0 + majority;
  }
  for (int i = 0; i < 8; i++) state[i] += s[i];
}

/* The message of one row, padded (FIPS 180-4, 5.1.1); returns how many bytes it has then. */
static u32 message_of(u32 row, u8 *to) {
  u32 n = id_beginnings[row], size = beginning_sizes[n];
  copy(to, beginnings[n], size);
  for (u32 each = 0; each < IDS_OF_IDENTITY; each++) {
    u32 id_size = id_sizes[each][row];
    if (!id_size) continue;
    for (int i = 0; i < 8; i++) to[size + i] = i < 6 ? 0 : (u8)(id_size >> (8 * (7 - i)));
    copy(to + size + 8, texts + id_places[each][row], id_size);
    size += 8 + id_size;
  }
  u32 padded = (size + 9 + 63) & ~63u;
  to[size] = 0x80;
  for (u32 i = size + 1; i < padded; i++) to[i] = 0;
  to[padded - 1] = (u8)(size << 3);
  to[padded - 2] = (u8)(size >> 5);
  return padded;
}

static inline u32 big_endian(const u8 *p) {
  u32 x;
  __builtin_memcpy(&x, p, 4);
  return __builtin_bswap32(x);
}

/* How many bytes of a message are in `begun`. */
static inline u32 behind_first(u32 beginning) { return beginning_sizes[beginning] >= 64 ? 64 : 0; }

/* Works out `begun` of so many beginnings. */
static void begin(u32 count) {
  for (u32 n = 0; n < count; n++) {
    x4 state[8], words[16];
    for (int i = 0; i < 8; i++) state[i] = (x4){0} + initial_state[i];
    for (int i = 0; i < 16; i++) words[i] = (x4){0} + big_endian(beginnings[n] + 4 * i);
    compress(state, words);
    for (int i = 0; i < 8; i++) begun[n][i] = state[i][0];
  }
}

/* Works out the identities of so many rows, which have so many beginnings. */
void EXPORT(identities)(u32 count, u32 beginning_count) {
  static u8 messages[4][MESSAGE_BYTES_MAX];
  begin(beginning_count);
  for (u32 row = 0; row < count; row += 4) {
    u32 sizes[4] = {0}, firsts[4] = {0}, longest = 0;
    x4 state[8] = {{0}}, words[16];
    for (u32 i = 0; i < 4 && row + i < count; i++) {
      u32 n = id_beginnings[row + i];
      firsts[i] = behind_first(n);
      sizes[i] = message_of(row + i, messages[i]) - firsts[i];
      if (sizes[i] > longest) longest = sizes[i];
      for (int j = 0; j < 8; j++) state[j][i] = firsts[i] ? begun[n][j] : initial_state[j];
    }
    for (u32 at = 0; at < longest; at += 64) {
      x4 before[8], goes_on = {0};
      for (int i = 0; i < 4; i++) goes_on[i] = at < sizes[i] ? ~0u : 0;
      for (int i = 0; i < 16; i++)
        for (int lane = 0; lane < 4; lane++) words[i][lane] = big_endian(messages[lane] + firsts[lane] + at + 4 * i);
      for (int i = 0; i < 8; i++) before[i] = state[i];
      compress(state, words);
      for (int i = 0; i < 8; i++) state[i] = (state[i] & goes_on) | (before[i] & ~goes_on);
    }
    for (u32 i = 0; i < 4 && row + i < count; i++)
      for (int j = 0; j < 4; j++) {
        u32 x = __builtin_bswap32(state[j][i]);
        __builtin_memcpy(event_ids[row + i] + 4 * j, &x, 4);
      }
  }
}
