/* Values under names: objects and arrays, and what stands in them. */
#pragma once
#include "instants.h"
#include "leaves.h"

static const u8 *object(const u8 *p, u32 owner, int depth);
static const u8 *list_under(const u8 *p, u32 kind, int depth);
static const u8 *stream_within(const u8 *p, int depth);           /* bodies.h: a body may hold another one */
static const u8 *value_of_line(const u8 *p, u32 name, int depth); /* kernel.c */

/* Whether a value is mostly what it was in the line before. */
static inline int is_word(const u8 *p, u32 kind) { return kind == LITERAL || *p == 't' || *p == 'f' || *p == 'n'; }

/* A value that is no object and no array. */
static inline const u8 *scalar_under(const u8 *p, u32 kind) {
  if (kind == TIMED) return instant(p);
  switch (*p) {
  case '"': return text_under(p + 1, kind);
  case 't': *o++ = TRUE; return word(p, "true");
  case 'f': *o++ = FALSE; return word(p, "false");
  case 'n': return null(p);
  default: return kind == COUNTED ? count(p) : literal_number(p);
  }
}

/* The value under a name of a body. `depth` containers are open around it. */
static const u8 *value_under(const u8 *p, u32 kind, int depth) {
  if (!has_room()) return unsure();
  if (kind == RESPONSE) return stream_within(p, depth);
  int is_leaf = kind == TIMED || kind == PRESENT;
  if (*p == '{' && !is_leaf) return object(p, OF_BODY, depth);
  if (*p == '[' && !is_leaf) return list_under(p, kind, depth);
  const u8 *begin = o, *behind = kind == PRESENT ? present(p, depth) : scalar_under(p, kind);
  return note(reader(OF_KIND, kind, depth), p, behind, begin, is_word(p, kind));
}

/* An array. Of one with an element that is no object and no array, the whole is a leaf: these come in any number. */
static const u8 *list_under(const u8 *p, u32 kind, int depth) {
  const u8 *at = p, *begin = o;
  u32 leaves = noted.count;
  int found, is_inside = 0, is_leaf = 0, was_fraction = 0;
  if (depth >= depth_max) return unsure();
  *o++ = LIST;
  while ((found = next_element(&p, &is_inside)) == MEMBER) {
    u8 *element = o;
    is_leaf |= *p != '{' && *p != '[';
    if (!(p = value_under(p, kind, depth + 1))) return 0;
    int is_one = *element == FRACTION;
    if (is_one && was_fraction) o = element; /* of fractions in a row, one stands for all */
    was_fraction = is_one;
  }
  if (found != LAST_MEMBER) return 0;
  if (!has_room()) return unsure();
  *o++ = LIST_END;
  if (!is_leaf) return p;
  noted.count = leaves;
  return note(reader(OF_KIND, kind, depth), at, p, begin, 0);
}

/* Puts a name into a shape; 0 where it is stated twice, or there is no room. */
static int put_name(u32 name, u64 *seen) {
  if (seen[name / 64] >> name % 64 & 1 || !has_room()) return 0;
  seen[name / 64] |= (u64)1 << name % 64;
  *o++ = NAME;
  *o++ = (u8)(0x40 | name >> 6);
  *o++ = (u8)(0x40 | (name & 63));
  return 1;
}

enum { ANY_NAMES_MAX = 16 };

/* Notes a name of an object of which all names are looked at; `before` are those before it. One that is stated twice is
   handed over. */
static int is_another(Text name, Text *before, u32 *count) {
  for (u32 i = 0; i < *count; i++)
    if (before[i].size == name.size && equal(before[i].at, name.at, name.size)) return 0;
  if (*count == ANY_NAMES_MAX || name.size > NAME_BYTES_MAX || !has_room()) return 0;
  before[(*count)++] = name;
  return 1;
}

/* The value under such a name, which stands in the shape. */
static const u8 *any_member(const u8 *p, Text name, u32 kind, int depth) {
  *o++ = ANY_NAME;
  put_word(name);
  return value_under(p, kind, depth);
}

/* The value under a name that nobody looks at, which is left out; the name is handed over where it is looked at all the
   same. */
static const u8 *unread(const u8 *p, Text name, u32 owner, u32 kind_of_owner, int depth) {
  if (has_affix(name) || (owner == OF_LINE && name.size > NAME_BYTES_MAX)) return unsure();
  if (kind_of_owner == HEADERS && is_meant_in_capitals(name, owner)) return unsure();
  const u8 *behind = value(p, depth);
  if (!behind) return 0;
  u32 by = kind_of_owner == OBJECTS ? UNREAD_BUT_OBJECTS : UNREAD;
  note(reader(by, 0, depth), p, behind, o, behind - p <= UNREAD_WORD_BYTES_MAX);
  if (*p == '"') may_vary(p + 1, FIXED);
  return behind;
}

/* An object: members by names that are looked at, and whether there are others. A name that is stated twice, or that
   has an escape, is handed over. `depth` containers are open around it. */
static const u8 *object(const u8 *p, u32 owner, int depth) {
  Members m = {0};
  u64 seen[NAMES_MAX / 64] = {0};
  u32 kind_of_owner = owner < OF_INNER ? LITERAL : names[owner - OF_INNER].kind;
  int found, has_others = 0, is_of_counts = kind_of_owner == EVERY, is_of_objects = kind_of_owner == OBJECTS;
  Text any[ANY_NAMES_MAX];
  u32 any_names = 0;
  if (depth >= depth_max) return unsure();
  *o++ = OPEN;
  while ((found = next(&p, &m)) == MEMBER) {
    if (m.is_escaped) return unsure();
    u32 name = named(m.key, owner);
    if (name == NO_NAME && (is_of_counts || is_of_objects) && !is_another(m.key, any, &any_names)) return unsure();
    if (name == NO_NAME && (is_of_counts || (is_of_objects && *p == '{'))) {
      if (!(p = any_member(p, m.key, is_of_counts ? COUNTED : LITERAL, depth + 1))) return 0;
      continue;
    }
    if (name == NO_NAME) {
      has_others = 1;
      if (!(p = unread(p, m.key, owner, kind_of_owner, depth + 1))) return 0;
      continue;
    }
    if (!put_name(name, seen) || is_behind_rows) return unsure();
    p = owner == OF_BODY ? value_under(p, names[name].kind, depth + 1) : value_of_line(p, name, depth + 1);
    if (!p) return 0;
  }
  if (found != LAST_MEMBER) return 0;
  if (!has_room()) return unsure();
  if (has_others) *o++ = OTHERS;
  *o++ = CLOSE;
  return p;
}
