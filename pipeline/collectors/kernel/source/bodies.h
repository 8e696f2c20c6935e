/* Bodies: what was logged as the response, as a document, a transcript of events, documents on lines, or an array. */
#pragma once
#include "chunks.h"

enum { BLOCK_BYTES_MAX = 9 << 20 };
static u8 scratch[BLOCK_BYTES_MAX + PAD]; /* strings, decoded */
static int is_in_scratch;                 /* whether what is read lies there, and nothing else can be decoded */

enum { CHUNK_READ, CHUNK_CUT, CHUNK_UNSURE };

/* Reads one chunk, of which nothing is behind it but blanks; it is `last_chunk` then, and its shape is added. A chunk that ends
   too early says nothing (twin: body._parsed). */
static int chunk(const u8 *p, const u8 *end, int depth) {
  const u8 *limit = text_end;
  Mark before = marked();
  varying.count = 0;
  chunk_shape = o;
  text_end = end;
  p = object(p, OF_BODY, depth);
  if (p && blanks(p) != end) p = unsure();
  text_end = limit;
  chunk_shape = 0;
  last_chunk.kind = -1;
  if (!p) {
    back_to(before);
    return is_cut ? CHUNK_CUT : CHUNK_UNSURE;
  }
  last_chunk.size = (u32)(o - before.o);
  copy(last_chunk.shape, before.o, last_chunk.size);
  o = before.o;
  if (hole_count == before.holes) {
    last_chunk.kind = add_to_run(last_chunk.shape, last_chunk.size);
    return last_chunk.kind < 0 ? CHUNK_UNSURE : CHUNK_READ;
  }
  return add_alone(last_chunk.shape, last_chunk.size, before.holes, id_count != before.ids) ? CHUNK_READ : CHUNK_UNSURE;
}

/* Behind the end of a line in a string, as one writes CR and LF; 0 where they are written as numbers. */
static const u8 *behind_line_end(const u8 *p) {
  const u8 *behind = begins_with(p, "\\r") ? p + 2 : p;
  if (begins_with(behind, "\\n")) return behind + 2;
  return behind > p ? behind : 0;
}

/* A line of a transcript that carries no payload and says nothing: a comment, an id, an event that is no error. Twin:
   sse.read_transcript. */
static int is_silent(const u8 *p, u32 size) {
  if (*p == ':') return 1;
  if (begins_with(p, "id:") || begins_with(p, "retry:")) return 1;
  return size > 7 && begins_with(p, "event: ") && p[7] != 'e' && p[7] > ' ' && p[7] < 0x7F;
}

/* Whether a line beside the payloads may be part of a text that was escaped once too often: of its quotes and backslashes
   the first is a backslash. Twin: body._unwrapped, which undoes that only where no quote stands alone. */
static int may_be_escaped(const u8 *p, const u8 *end) {
  while (p < end && *p != '"' && *p != '\\') p++;
  return p < end && *p == '\\';
}

/* A transcript of server-sent events in a string; p behind its quote, and so the place that is returned. Twins:
   sse.read_transcript, body._stream_body. Two lines of data in one event are handed over. */
static const u8 *transcript(const u8 *p) {
  int is_pending = 0, has_chunks = 0;
  const u8 *event = p; /* where the event begins */
  if (is_in_scratch) return unsure();
  begin_chunks(TRANSCRIPT);
  while (*p != '"') {
    const u8 *begin = p, *behind;
    u8 *end = scratch;
    if (!(p = decoded(p, &end, 1, 1))) return 0;
    if (!(behind = *p == '"' ? p : behind_line_end(p))) return unsure();
    u32 size = (u32)(end - scratch);
    if (!size) {
      is_pending = 0;
      event = behind;
    } else if (size >= 5 && begins_with(scratch, "data:")) {
      const u8 *payload = scratch + 5 + (scratch[5] == ' ');
      if (is_pending) return unsure();
      is_pending = 1;
      if (*payload == '{') {
        int fate = chunk(payload, end, 0);
        if (fate == CHUNK_UNSURE) return unsure();
        has_chunks |= fate == CHUNK_READ;
        const u8 *next_event = behind_line_end(behind);
        if (fate == CHUNK_READ && next_event) {
          if (!(behind = behind_alike(event, begin, scratch, next_event))) return unsure();
          is_pending = 0;
          event = behind;
        }
      } else if ((*payload != '[' && payload != end) || may_be_escaped(payload, end)) {
        return unsure(); /* [DONE] says nothing, and nothing neither */
      }
    } else if (!is_silent(scratch, size) || may_be_escaped(scratch, end)) {
      return unsure();
    }
    p = behind;
  }
  return has_chunks && end_chunks() ? p + 1 : unsure();
}

/* Documents on lines, in a string; the first is whole, and there is another one. Twin: body._lines_body. */
static const u8 *json_lines(const u8 *p) {
  begin_chunks(JSON_LINES);
  while (*p != '"') {
    const u8 *begin = p, *behind;
    u8 *end = scratch;
    if (!(p = decoded(p, &end, 1, 0))) return 0;
    if (!(behind = *p == '"' ? p : behind_line_end(p))) return unsure();
    if (end != scratch) {
      int fate = *scratch == '{' ? chunk(scratch, end, 0) : CHUNK_UNSURE;
      if (fate == CHUNK_UNSURE) return unsure();
      if (fate == CHUNK_READ && behind != p && !(behind = behind_alike(begin, begin, scratch, behind))) return unsure();
    }
    p = behind;
  }
  return end_chunks() ? p + 1 : unsure();
}

/* An array of chunks. Twin: body._json_body. */
static const u8 *array_of_chunks(const u8 *p, int depth) {
  if (depth >= depth_max) return unsure();
  int found, is_inside = 0;
  begin_chunks(CHUNKS);
  while ((found = next_element(&p, &is_inside)) == MEMBER) {
    const u8 *behind = *p == '{' ? value(p, depth + 1) : 0;
    if (!behind || chunk(p, behind, depth + 1) != CHUNK_READ) return unsure();
    p = behind;
  }
  return found == LAST_MEMBER && end_chunks() ? p : unsure();
}

/* The one document in a string, p behind its quote; `has_more`: where there is another one, on another line. */
static const u8 *document(const u8 *p, u32 owner, int *has_more) {
  const u8 *limit = text_end;
  u8 *end = scratch;
  if (is_in_scratch || !(p = decoded(p, &end, 0, 0))) return unsure();
  *o++ = JSON_TEXT;
  is_in_scratch = 1;
  text_end = end;
  const u8 *stopped = *scratch == '[' ? array_of_chunks(scratch, 0) : object(scratch, owner, 0);
  text_end = limit;
  is_in_scratch = 0;
  *has_more = stopped && *scratch == '{' && *stopped == '\n' && *blanks(stopped) == '{';
  return stopped && blanks(stopped) == end ? p + 1 : unsure();
}

/* One document in a string, an array of chunks, or several documents on lines. */
static const u8 *json_text(const u8 *p) {
  Mark before = marked();
  int has_more = 0;
  const u8 *behind = document(p, OF_BODY, &has_more);
  if (behind || !has_more) return behind;
  back_to(before);
  return json_lines(p);
}

/* How many bytes of a string a blank takes, before a body; 0 where there is none. Twin: body._BLANKS. */
static int blank_of_text(const u8 *p) {
  if (*p == ' ') return 1;
  return *p == '\\' && (p[1] == 'n' || p[1] == 'r' || p[1] == 't') ? 2 : 0;
}

/* What was logged as the response. Twin: body.take_apart; whatever it would unwrap or guess at stands in the shape, where
   it is short, and is handed over otherwise. */
static const u8 *response(const u8 *p, int depth) {
  switch (*p) {
  case '{': return object(p, OF_BODY, depth);
  case '[': return array_of_chunks(p, depth);
  case 'n': return null(p);
  case '"': break;
  default: return unsure();
  }
  const u8 *text = ++p;
  for (int size; (size = blank_of_text(p)); p += size) {} /* as servers send to keep a connection */
  if (*p == '{' || *p == '[') return json_text(p);
  if (begins_with(p, "data:") || begins_with(p, "event:") || begins_with(p, "id:")) return transcript(p);
  return *p == ':' || begins_with(p, "retry:") ? transcript(p) : text_under(text, LITERAL);
}

/* A stream that lies in a body, as an array of its chunks or as a text, and in no chunk of another one. */
static const u8 *stream_within(const u8 *p, int depth) {
  if (chunk_shape) return unsure();
  if (*p != '[' && *p != '"') return value_under(p, LITERAL, depth);
  const u8 *begin = o;
  int was_off = noted.is_off;
  noted.is_off = 1;
  const u8 *behind = response(p, depth);
  noted.is_off = was_off;
  return note(reader(OF_KIND, RESPONSE, depth), p, behind, begin, 0);
}

/* An object of the line, or the text of one; any other text stands in the shape, if it is short. Twins: mapping._at,
   request_log._object. */
static const u8 *inside(const u8 *p, u32 owner, int depth) {
  if (*p == '{') return object(p, owner, depth);
  int has_more;
  return p[1] == '{' ? document(p + 1, owner, &has_more) : text_under(p + 1, LITERAL);
}

/* A text that stands in the shape as it is written. */
static const u8 *as_written(const u8 *p) { /* p behind the quote */
  const u8 *end = plain(p);
  int has_escapes = *end != '"';
  const u8 *behind = has_escapes ? string(p) : end + 1;
  if (!behind) return 0;
  return put_text(has_escapes ? ESCAPED : WORD, (Text){p, (u32)(behind - 1 - p)}) ? behind : unsure();
}

/* Any value, in which objects are looked into, or the text of an object; any other text is none. Twin: mapping.object_in. */
static const u8 *nested(const u8 *p, int depth) {
  int has_more;
  if (*p != '"') return value_under(p, LITERAL, depth);
  const u8 *text = ++p;
  for (int size; (size = blank_of_text(p)); p += size) {}
  if (*p == '{') return document(p, OF_BODY, &has_more);
  return begins_with(p, "\\u00") ? unsure() : textual(text); /* it may be a blank, or a brace */
}

/* An array without elements stands in the shape. */
static const u8 *no_elements(const u8 *p) {
  p = blanks(p + 1);
  if (*p != ']') return unsure();
  *o++ = LIST;
  *o++ = LIST_END;
  return p + 1;
}
