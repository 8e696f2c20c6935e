/* Lines of a log to shapes and holes; what is not certain is handed over to the plain reader (decode.py).

   This file and what it includes are one program. It is built for WebAssembly without a library, and reads and writes
   its own memory alone. docs/kernel.md explains it. */
#include "identities.h"
#include "layouts.h"
#include "raw_keys.h"
#include "rules.h"
#include "wrapped.h"

enum { HANDED_OVER, TOLD, BLANK, ODD };

static u8 block[BLOCK_BYTES_MAX + PAD];
static u32 line_ends[BLOCK_BYTES_MAX];
static u8 fates[BLOCK_BYTES_MAX];
static u32 line_counts[BLOCK_BYTES_MAX]; /* how many lines of the log each was made of */

/* ---- the fields of a line ---- */

/* What stands under a name of the line. Twin: request_log.read_envelope, for what is well-formed. */
static const u8 *field(const u8 *p, u32 name, u32 kind, int depth) {
  switch (kind) {
  case NEVER: return unsure();
  case RESPONSE: return response(p, depth);
  case TIMED: return instant(p);
  case PRESENT: return present(p, depth);
  case ELAPSED: return elapsed(p);
  case NESTED: return nested(p, depth);
  case WORDS:
    if (*p == '"') return one_of_words(p + 1, name);
    if (*p != '{' && *p != '[') return value_under(p, LITERAL, depth);
    break;
  case INSIDE: case EVERY: case HEADERS: case OBJECTS:
    if (*p == '{' || *p == '"') return inside(p, name + OF_INNER, depth);
    break;
  case WHOLE:
    if (*p == '{' || *p == '"') return inside(p, OF_BODY, depth);
    break;
  case GROUPS: case ROWS:
    if (*p == '[') return array_of_rows(p, name, depth);
    break;
  case PAIRS:
    if (*p == '[') return pairs(p, name + OF_INNER, depth);
    break;
  case LITERAL: case COUNTED: case IDENTIFYING: case KEYED:
    if (*p != '{' && *p != '[') return value_under(p, kind, depth);
    break;
  }
  if (*p == '[') return no_elements(p);
  return *p == 'n' ? null(p) : unsure();
}

/* The value under a name of the line: an object by its own members, anything else as a leaf. */
static const u8 *value_of_line(const u8 *p, u32 name, int depth) {
  u32 kind = names[name].kind;
  if (noted.is_off || (*p == '{' && kind != PRESENT)) return field(p, name, kind, depth);
  const u8 *begin = o;
  noted.is_off = 1;
  const u8 *behind = field(p, name, kind, depth);
  noted.is_off = 0;
  return note(reader(OF_NAME, name, depth), p, behind, begin, is_word(p, kind));
}

/* The number of the shape of a line, or -1. Its layout is kept. */
static int parsed(const u8 *begin) {
  noted.count = 0;
  noted.is_off = 0;
  const u8 *p = blanks(begin);
  p = *p == '{' ? object(p, OF_LINE, 0) : unsure();
  noted.is_off = 1;
  int n = p && blanks(p) == text_end ? shape_number() : -1;
  if (n >= 0) keep_layout(begin, p, (u32)n);
  return n;
}

static int line(const u8 *p, u32 number_of_line) {
  id_count = 0;
  o = shape;
  Mark before = marked();
  u32 rows_before = rows;
  row_line = number_of_line;
  row_levels = 0;
  is_behind_rows = 0;
  if (!begin_row(0, 0)) return HANDED_OVER;
  int n = like_one_before(p);
  if (n < 0) {
    back_to(before);
    n = parsed(p);
  }
  if (n >= 0 && (rows > rows_before || add_row(n))) return TOLD;
  back_to(before);
  rows = rows_before;
  return HANDED_OVER;
}

static int is_blank(const u8 *p, const u8 *end) { /* twin: bytes.isspace */
  while (p < end && (*p == ' ' || (*p >= 9 && *p <= 13))) p++;
  return p == end;
}

/* The end of a line that begins at p, where its LF stands; 0 where there is none before `limit`. */
static u8 *end_of_line(u8 *p, const u8 *limit, int *is_ascii) {
  v16 high = all(0), lf = all('\n');
  for (; p + 64 <= limit; p += 64) {
    v16 a = load(p), b = load(p + 16), c = load(p + 32), d = load(p + 48);
    if (!is_zero((v16)(a == lf) | (v16)(b == lf) | (v16)(c == lf) | (v16)(d == lf))) break;
    high |= a | b | c | d;
  }
  for (; p < limit; p += 16) {
    v16 c = load(p);
    u32 stop = bits((v16)(c == lf));
    if (stop) {
      *is_ascii = !bits(high) && !(bits(c) & (stop ^ (stop - 1)));
      p += __builtin_ctz(stop);
      return p < limit ? p : 0;
    }
    high |= c;
  }
  return 0;
}

/* What becomes of the line that a group is, behind which one byte may be written. */
static u8 fate_of(const Group *group, u32 number, u32 wrapper) {
  if (group->is_odd) return ODD;
  u8 *stopped = group->end, kept = *stopped, fate;
  *stopped = 0;
  text_end = stopped;
  if (wrapper ? !has_member(group->at, stopped) : is_blank(group->at, stopped)) fate = BLANK;
  else fate = group->is_utf8 || is_utf8(group->at, stopped) ? (u8)line(group->at, number) : HANDED_OVER;
  *stopped = kept;
  return group->begins_again && fate != TOLD ? ODD : fate;
}

/* Reads the lines in `block` from one place to another, at most so many, and returns how many there are. Those that a
   logger wrapped are read as far as none goes on. */
u32 EXPORT(read)(u32 from, u32 to, u32 wrapper, u32 lines_max) {
  u32 lines = 0;
  u8 *first = block + from, *begin = first, *limit = block + to;
  Group group = {0};
  rows = hole_count = texts_size = 0;
  for (int i = 0; i < PAD; i++) limit[i] = 0;
  while (begin < limit && lines < lines_max) {
    int is_ascii = 0;
    u8 *end = end_of_line(begin, limit, &is_ascii);
    if (!end) break;
    if (wrapper) add_line(&group, begin, end, is_ascii, wrapper);
    else group = (Group){.at = begin, .end = without_cr(begin, end), .lines = 1, .is_utf8 = is_ascii};
    begin = end + 1;
    if (group.open) continue;
    fates[lines] = fate_of(&group, lines, wrapper);
    line_counts[lines] = group.lines;
    line_ends[lines++] = (u32)(begin - first);
    group = (Group){0};
  }
  return lines;
}

/* ---- what the host asks and says ---- */

/* Lets shapes and keys be numbered anew. */
void EXPORT(forget)(void) {
  shapes.count = shapes.bytes = keys.count = keys.bytes = 0;
  forget_layouts();
  for (u32 i = 0; i < SLOTS; i++) shapes.slots[i] = keys.slots[i] = 0;
}

/* Takes in so many `names`, how deep a line may be, and whether an instant is in UTC that states no offset. */
void EXPORT(set_up)(u32 name_count, int deepest, int is_naive_utc) {
  depth_max = deepest;
  may_be_naive = is_naive_utc;
  fill_places_left();
  fill_key_endings();
  for (u32 n = 0; n < name_count; n++) {
    u32 at = slot_of((Text){names[n].bytes, names[n].size}, names[n].owner);
    while (name_slots[at]) at = (at + 1) % NAME_SLOTS;
    name_slots[at] = n + 1;
    affix_count += names[n].kind >= BEGINNING;
  }
}

/* What the host reads and writes there, by its name: an array of elements, an array of rows of these, or a number. */
typedef struct {
  const char *name;
  void *at;
  u32 size, row_size, element_size;
} Shared;
#define ELEMENTS(array) {#array, array, sizeof array, 0, sizeof *array}
#define ROWS_OF(array) {#array, array, sizeof array, sizeof *array, sizeof **array}
#define NUMBER_OF(number) {#number, &number, sizeof number, 0, sizeof number}

const Shared *EXPORT(shared)(void) {
  static const Shared all_shared[] = {
    ELEMENTS(block), ELEMENTS(line_ends), ELEMENTS(line_counts), ELEMENTS(fates),
    NUMBER_OF(rows), ELEMENTS(row_lines), ELEMENTS(row_shapes), ELEMENTS(row_holes), ELEMENTS(row_rules),
    ELEMENTS(holes), ELEMENTS(texts), NUMBER_OF(texts_size),
    ELEMENTS(shapes.texts), ELEMENTS(shapes.at), ELEMENTS(shapes.sizes), NUMBER_OF(shapes.count), NUMBER_OF(shapes.bytes),
    ELEMENTS(keys.texts), ELEMENTS(keys.at), ELEMENTS(keys.sizes), NUMBER_OF(keys.count),
    ELEMENTS(names), ELEMENTS(rule_words), ELEMENTS(rule_at), ELEMENTS(rule_behind), ROWS_OF(columns),
    ROWS_OF(beginnings), ELEMENTS(beginning_sizes), ELEMENTS(id_beginnings), ROWS_OF(id_places), ROWS_OF(id_sizes),
    ROWS_OF(event_ids), ELEMENTS(identifier_characters), ROWS_OF(key_beginnings), ELEMENTS(key_places), {0},
  };
  return all_shared;
}
