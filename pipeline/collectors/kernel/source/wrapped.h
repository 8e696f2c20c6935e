/* What lies in lines of a container's log: what its logger put around them is taken off, and parts of a line are put
   together. Twins: wrappers/docker.py, wrappers/cri.py, logical_lines.py; what is odd is for them. */
#pragma once
#include "rows.h"

enum { NOT_WRAPPED, OF_DOCKER, OF_CRI };
enum { NO_STREAM, STDOUT, STDERR };
enum { BESIDE_BYTES_MAX = 4096 }; /* of what stands beside a line: there is no number that Python does not read */

/* Lines of a log in a row behind which no stream has begun a line and not ended it: one line, or the parts of one. What
   they hold lies from `at` on. */
typedef struct {
  u8 *at, *end;
  u32 lines, open;  /* how many lines, and the streams that have begun a line, a bit each */
  int is_odd;       /* whether it is for the twins */
  int is_utf8;      /* whether that is known */
  int begins_again; /* whether a part but the first begins like an object: it may be a line (twin: _together) */
} Group;

/* What lies in a line: a part of one of its stream, or the end of one. */
typedef struct {
  u8 *at, *end;
  u32 stream;
  int is_part;
} Held;

static u8 together[BLOCK_BYTES_MAX + PAD]; /* what does not lie in one piece in the block */

static inline u8 *without_cr(u8 *p, u8 *end) { return end > p && end[-1] == '\r' ? end - 1 : end; }

static inline const u8 *behind_blanks(const u8 *p) {
  while (*p == ' ') p++;
  return p;
}

/* The place behind a text of some form, in which 0 is any digit; or 0. */
static const u8 *formed(const u8 *p, const char *form) {
  for (; *form; form++, p++)
    if (*form == '0' ? !is_digit(*p) : *p != (u8)*form) return 0;
  return p;
}

/* Takes off what CRI puts before a line, and leaves the line where it is. Twin: cri.unwrap. */
static int out_of_cri(const u8 *p, u8 *end, Held *held) {
  if (!(p = formed(p, "0000-00-00T"))) return 0;
  const u8 *time = p;
  while (is_digit(*p) || *p == ':' || *p == '.') p++;
  if (p == time) return 0;
  if (*p == 'Z') p++;
  else if ((*p != '+' && *p != '-') || !(p = formed(p + 1, "00:00"))) return 0;
  held->stream = begins_with(p, " stdout ") ? STDOUT : STDERR;
  if (held->stream == STDERR && !begins_with(p, " stderr ")) return 0;
  p += 8;
  if ((*p != 'F' && *p != 'P') || p[1] != ' ') return 0; /* there may be tags behind it */
  held->is_part = *p == 'P';
  held->at = (u8 *)p + 2;
  held->end = end;
  return 1;
}

/* The text that a container wrote, p behind its quote, to `to`; the place behind the string, or 0. */
static const u8 *written(const u8 *p, u8 *to, Held *held) {
  held->at = held->end = to;
  if (!(p = decoded(p, &held->end, 1, 0))) return 0;
  held->end = without_cr(to, held->end);
  held->is_part = *p == '"';
  if (held->is_part) return p + 1;
  p = escape(p); /* the line end */
  return *p == '"' ? p + 1 : 0;
}

/* Takes a line out of an entry of Docker's driver, to `to`. Twin: docker.unwrap. */
static int out_of_docker(const u8 *p, u8 *to, Held *held) {
  enum { LOG, STREAM, TIME, ATTRS, MEMBERS };
  static const char *members[] = {"log\"", "stream\"", "time\"", "attrs\""}; /* up to the quote behind them */
  Members m = {0};
  u32 seen = 0;
  int found;
  held->stream = NO_STREAM;
  if (*p != '{') return 0;
  while ((found = next(&p, &m)) == MEMBER) {
    const u8 *begin = p;
    u32 which = 0;
    while (which < MEMBERS && !begins_with(m.key.at, members[which])) which++;
    if (which == MEMBERS) return 0;
    seen |= 1u << which; /* of members of one name the last counts */
    if (which == LOG) {
      if (*p != '"' || !(p = written(p + 1, to, held))) return 0;
    } else if (which == STREAM) {
      held->stream = begins_with(p, "\"stdout\"") ? STDOUT : STDERR;
      if (held->stream == STDERR && !begins_with(p, "\"stderr\"")) return 0;
      p += 8;
    } else if (!(p = value(p, 1)) || p - begin > BESIDE_BYTES_MAX) {
      return 0;
    }
  }
  return found == LAST_MEMBER && blanks(p) == text_end && seen >> LOG & 1 && seen >> TIME & 1;
}

/* Adds a line of the log, whose end may be written to, to a group. Twin: logical_lines._Group. */
static void add_line(Group *group, u8 *p, u8 *end, int is_ascii, u32 wrapper) {
  u8 *stopped = without_cr(p, end), kept = *stopped, *to = group->lines++ ? group->end : together;
  int is_first = group->lines == 1, is_sure;
  Held held;
  *stopped = 0;
  text_end = stopped;
  if (wrapper == OF_CRI) is_sure = out_of_cri(p, stopped, &held);
  else is_sure = (is_ascii || is_utf8(p, stopped)) && out_of_docker(p, to, &held);
  *stopped = kept;
  group->is_odd |= !is_sure || group->open & ~(1u << held.stream);
  group->is_odd |= is_sure && !stopped[-1]; /* NULs behind a line are none of it (twin: lines.bare_span) */
  if (is_sure) group->open = (group->open & ~(1u << held.stream)) | (u32)held.is_part << held.stream;
  if (group->is_odd) return;
  if (held.at != to && (held.is_part || !is_first)) {
    u32 size = (u32)(held.end - held.at);
    __builtin_memcpy(to, held.at, size);
    held.at = to;
    held.end = to + size;
  }
  if (is_first) group->at = held.at;
  group->end = held.end;
  group->is_utf8 = wrapper == OF_CRI && is_ascii && (is_first || group->is_utf8); /* an escape may be half a character */
  group->begins_again |= !is_first && *held.at == '{';
}

/* Whether anything in a text may be a member of a JSON object. Twin: logical_lines._MEMBER. */
static int has_member(const u8 *p, const u8 *end) {
  while ((p = plain(p)) < end) {
    if (*p != '"') {
      p++;
      continue;
    }
    const u8 *name = p + 1, *colon;
    p = plain(name);
    if (*p != '"' || p == name || p - name > 64 || *(colon = behind_blanks(p + 1)) != ':') continue;
    u8 c = *behind_blanks(colon + 1);
    if (is_digit(c) || c == '"' || c == '{' || c == '[' || c == 't' || c == 'f' || c == 'n') return 1;
  }
  return 0;
}
