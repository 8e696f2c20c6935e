/* Rows: what a line amounts to. It is one exchange, or holds an array of them, each of which is a row of its own. */
#pragma once
#include "bodies.h"

static u32 row_line;   /* the number of the line */
static u32 row_levels; /* how many arrays of rows, or of groups of them, are open */

/* Puts a row of the line, of the shape with a number, whose holes begin at `line_holes`; 0 where there is none, or no
   room. */
static int add_row(int n) {
  if (n < 0 || rows == ROWS_MAX) return 0;
  row_lines[rows] = row_line;
  row_shapes[rows] = (u32)n;
  row_holes[rows++] = line_holes;
  return 1;
}

/* Lets a row begin whose first holes are those of what stands around it. */
static int begin_row(u32 first, u32 count) {
  if (hole_count + LINE_HOLES_MAX + 8 > HOLES_MAX) return 0;
  line_holes = hole_count;
  for (u32 i = 0; i < count; i++) holes[hole_count++] = holes[first + i];
  return 1;
}

/* An array of objects. Each is read behind what stands before the array, and without the others: so the shape of a row
   is that of a line which holds nothing else. Twin: otel.entries. */
static const u8 *array_of_rows(const u8 *p, u32 name, int depth) {
  if (depth >= depth_max) return unsure();
  *o++ = LIST;
  Mark before = marked();
  u32 first = line_holes, count = hole_count - line_holes;
  int found, is_inside = 0;
  noted.count = LEAVES_MAX + 1; /* it has no layout */
  row_levels++;
  while ((found = next_element(&p, &is_inside)) == MEMBER) {
    o = before.o;
    id_count = before.ids;
    is_behind_rows = 0;
    if (*p != '{' || !begin_row(first, count)) return unsure();
    if (!(p = object(p, name + OF_INNER, depth + 1))) return 0;
    if (names[name].kind == ROWS) {
      for (u32 i = 0; i < row_levels; i++) *o++ = LIST_END, *o++ = CLOSE;
      if (!add_row(shape_number())) return unsure();
    }
    is_behind_rows = 1;
  }
  o = before.o;
  id_count = before.ids;
  row_levels--;
  *o++ = LIST_END;
  return found == LAST_MEMBER ? p : 0;
}

/* Whether a text is a whole number above zero as programs write it. Of any other the number decides, which may be
   written otherwise, or be no id. Twin: otlp._value. */
static int is_usual_number(const u8 *p) { /* p behind the quote */
  const u8 *end = digits(p);
  return *p != '0' && end > p && *end == '"';
}

/* The value of a pair. Any text that is looked at stands in the shape as it is written. */
static const u8 *value_of_pair(const u8 *p, u32 name, int depth) {
  u32 kind = names[name].kind;
  if (kind == NESTED) return nested(p, depth);
  if (kind == EVERY && *p == '{') return unsure(); /* which is a text, or nothing */
  if (*p == '{' || *p == '[') return value_under(p, LITERAL, depth);
  if (kind == EVERY && *p == '"') return inside(p, name + OF_INNER, depth);
  return *p == '"' && kind == LITERAL ? as_written(p + 1) : scalar_under(p, kind == EVERY ? LITERAL : kind);
}

/* What stands in a pair: nothing, or one value, under the name of its type. */
static const u8 *typed_value(const u8 *p, u32 owner, u32 name, int depth) {
  Members m = {0};
  u64 seen[NAMES_MAX / 64] = {0};
  if (*p != '{' || depth >= depth_max) return unsure();
  *o++ = OPEN;
  int found = next(&p, &m);
  if (found == MEMBER) {
    u32 type = named(m.key, owner);
    if (type == NO_NAME || !put_name(type, seen)) return unsure();
    int is_id = names[name].kind == IDENTIFYING || names[name].kind == KEYED;
    if (is_id && begins_with(m.key.at, "intValue\"") && *p == '"' && !is_usual_number(p + 1)) return unsure();
    if (!(p = value_of_pair(p, name, depth + 1))) return 0;
    found = next(&p, &m);
  }
  if (found != LAST_MEMBER || !has_room()) return unsure();
  *o++ = CLOSE;
  return p;
}

/* Whether a name has a word in it, in letters of whatever size; the word is in small ones. */
static int has_word(Text name, const char *word) {
  for (const u8 *p = name.at; p < name.at + name.size; p++) {
    u32 n = 0;
    while (word[n] && (p[n] | 0x20) == (u8)word[n]) n++; /* the quote behind a name is in no word */
    if (!word[n]) return 1;
  }
  return 0;
}

/* Whether a name that nobody knows may be one of a count of tokens. Twin: unread._kind_of. */
static int counts_tokens(Text name) {
  if (!has_word(name, "token") || has_word(name, "max") || has_word(name, "first")) return 0;
  return !begins_with(name.at, "ai.usage.") && !begins_with(name.at, "gen_ai.usage.details.") &&
         !begins_with(name.at, "gen_ai.aggregated_usage.") && !begins_with(name.at, "llm.token_count.");
}

/* A list of pairs, each `{"key": …, "value": {…}}`: members by their keys. Twin: otlp._attributes. */
static const u8 *pairs(const u8 *p, u32 owner, int depth) {
  u64 seen[NAMES_MAX / 64] = {0};
  int found, is_inside = 0, has_others = 0;
  if (depth + 1 >= depth_max) return unsure();
  *o++ = PAIR_LIST;
  while ((found = next_element(&p, &is_inside)) == MEMBER) {
    Members m = {0};
    Text key;
    if (*p != '{' || next(&p, &m) != MEMBER || !begins_with(m.key.at, "key\"") || *p != '"') return unsure();
    if (!(p = simple(p + 1, &key)) || next(&p, &m) != MEMBER || !begins_with(m.key.at, "value\"")) return unsure();
    u32 name = named(key, owner);
    if (name != NO_NAME && !put_name(name, seen)) return unsure();
    has_others |= name == NO_NAME;
    if (name == NO_NAME && counts_tokens(key)) return unsure();
    p = name == NO_NAME ? value(p, depth + 2) : typed_value(p, owner, name, depth + 2);
    if (!p) return 0;
    if (next(&p, &m) != LAST_MEMBER) return unsure();
  }
  if (found != LAST_MEMBER || !has_room()) return unsure();
  if (has_others) *o++ = OTHERS;
  *o++ = LIST_END;
  return p;
}
