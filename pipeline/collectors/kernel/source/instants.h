/* When an exchange was: dates and times, and numbers since 1970; and how long it took. Twin: instants. */
#pragma once
#include "scalars.h"

static int may_be_naive; /* whether an instant is in UTC that states no offset */

static int two_digits(const u8 *p) { return is_digit(p[0]) && is_digit(p[1]) ? (p[0] - '0') * 10 + p[1] - '0' : 1000; }

/* Days from 1970-01-01 to a day of 2000 to 2099; -1 where there is none. */
static i64 days_to(int year, int month, int day) {
  static const int days_of[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year > 99 || month < 1 || month > 12 || day < 1) return -1;
  int is_leap = year % 4 == 0;
  if (day > days_of[month - 1] + (month == 2 && is_leap)) return -1;
  i64 days = 10957 + year * 365 + (year + 3) / 4 + day - 1;
  for (int i = 0; i < month - 1; i++) days += days_of[i] + (i == 1 && is_leap);
  return days;
}

static const i64 EARLIEST_US = 946684800000000, LATEST_US = 4102444800000000; /* 2000-01-01 and 2100-01-01 */

/* Behind what says of which offset a time is, after a blank or none: `Z`, `UTC`, or an offset, whose colon and minutes
   may be missing; 0 where none is said so. */
static const u8 *behind_offset(const u8 *p, int *minutes) {
  if (*p == ' ') p++;
  if (*p == 'Z') return p + 1;
  if (begins_with(p, "UTC")) return p + 3;
  if (*p != '+' && *p != '-') return 0;
  int sign = *p == '-' ? -1 : 1, hours = two_digits(p + 1), rest = 0;
  if (p[3] == ':' || is_digit(p[3])) {
    rest = two_digits(p + 3 + (p[3] == ':'));
    p += 2 + (p[3] == ':');
  }
  if (hours > 23 || rest > 59) return 0;
  *minutes = sign * (hours * 60 + rest);
  return p + 3;
}

/* Hours, minutes and seconds in seconds; -1 where they are no time of a day. */
static i64 time_of_day(const u8 *p) {
  int hours = two_digits(p), minutes = two_digits(p + 3), seconds = two_digits(p + 6);
  int is_one = p[2] == ':' && p[5] == ':' && hours <= 23 && minutes <= 59 && seconds <= 59;
  return is_one ? hours * 3600 + minutes * 60 + seconds : -1;
}

/* A date and time in numbers, a hyphen behind its year. Twin: instants.instant_us; its other forms are handed over. */
static const u8 *date_and_time(const u8 *p) { /* p behind the quote */
  u8 token = INSTANT_TEXT;
  int fraction = 0, digits = 0;
  if (p[0] != '2' || p[1] != '0' || p[7] != '-' || (p[10] != 'T' && p[10] != ' ')) return unsure();
  i64 days = days_to(two_digits(p + 2), two_digits(p + 5), two_digits(p + 8)), time = time_of_day(p + 11);
  if (days < 0 || time < 0) return unsure();
  i64 at = days * 86400 + time;
  p += 19;
  if (*p == '.') {
    if (!is_digit(*++p)) return unsure();
    for (; is_digit(*p); p++, digits++)
      if (digits < 6) fraction = fraction * 10 + *p - '0';
    for (; digits < 6; digits++) fraction *= 10;
  }
  int minutes_ahead = 0;
  const u8 *behind = behind_offset(p, &minutes_ahead);
  if (behind) p = behind;
  else if (may_be_naive) token = INSTANT_NAIVE;
  else return unsure();
  i64 us = (at - 60 * minutes_ahead) * 1000000 + fraction;
  if (*p != '"' || us < EARLIEST_US || us >= LATEST_US) return unsure();
  put_hole(token, us);
  return p + 1;
}

/* Which of some names of three letters begins at p, from 1 on; 0 where none does. (`equal` would read beyond them.) */
static int which_of(const char *names, int count, const u8 *p) {
  for (int i = 0; i < count; i++)
    if (p[0] == names[3 * i] && p[1] == names[3 * i + 1] && p[2] == names[3 * i + 2]) return i + 1;
  return 0;
}

/* Dates with the name of their month, of HTTP and mail, of access logs, and of JavaScript: `w` a day of the week, `m` a
   month, `d` a day and `D` one in two digits, `y` a year, `t` a time of day, `o` an offset in four digits, `n` a name.
   Twins: instants._IN_WORDS, instants._OF_JAVASCRIPT. */
static const char *const FORMS[] = {
  "w, d m y t GMT", "w, d m y t o", "d/m/y:t o", "w m D y t GMTo (n)", "w m D y t GMTo",
};

/* Microseconds of a date and time of a form, behind which `*at` is then; less than 0 where it is none. */
static i64 of_form(const u8 **at, const char *form) {
  const u8 *p = *at;
  int year = 0, month = 0, day = 0, minutes_ahead = 0;
  i64 time = 0;
  for (; *form; form++) {
    const u8 *begin = p;
    switch (*form) {
    case 'w': p += which_of("MonTueWedThuFriSatSun", 7, p) ? 3 : 0; break;
    case 'm': p += (month = which_of("JanFebMarAprMayJunJulAugSepOctNovDec", 12, p)) ? 3 : 0; break;
    case 'd': case 'D':
      day = *form == 'D' || is_digit(p[1]) ? two_digits(p) : *p - '0';
      p += !is_digit(*p) || day > 31 ? 0 : is_digit(p[1]) ? 2 : 1;
      break;
    case 'y': p += begins_with(p, "20") && (year = two_digits(p + 2)) <= 99 ? 4 : 0; break;
    case 't': p += (time = time_of_day(p)) >= 0 ? 8 : 0; break;
    case 'o':
      if (!is_digit(p[1]) || !is_digit(p[3]) || !(p = behind_offset(p, &minutes_ahead))) return -1;
      break;
    case 'n':
      while (*p >= ' ' && *p < 0x7F && *p != '"' && *p != '\\' && *p != '(' && *p != ')' && p - begin < 64) p++;
      break;
    default: p += *p == (u8)*form;
    }
    if (p == begin) return -1;
  }
  *at = p;
  return (days_to(year, month, day) * 86400 + time - 60 * minutes_ahead) * 1000000;
}

static const u8 *date_in_words(const u8 *p) { /* p behind the quote */
  for (u32 i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
    const u8 *behind = p;
    i64 us = of_form(&behind, FORMS[i]);
    if (us < EARLIEST_US || us >= LATEST_US || *behind != '"') continue;
    put_hole(INSTANT_TEXT, us);
    return behind + 1;
  }
  return unsure();
}

/* Seconds, milliseconds, microseconds or nanoseconds since 1970, which their size tells apart, as plain digits with or
   without a fraction: what is finer than a microsecond is cut. Returns the place behind the digits, or 0. Twin:
   instants._from_epoch. */
static const u8 *epoch(const u8 *p, u8 token) {
  const u8 *begin = p;
  u64 n = 0, latest = (u64)LATEST_US;
  for (; is_digit(*p); p++) {
    if (p - begin == 19) return unsure();
    n = n * 10 + (*p - '0');
  }
  if (n >= latest * 1000) return unsure();
  i64 unit = n < latest / 1000000 ? 1000000 : n < latest / 1000 ? 1000 : 1; /* microseconds */
  i64 us = n < latest ? (i64)n * unit : (i64)(n / 1000);
  if (*p == '.') {
    const u8 *fraction = ++p;
    for (; is_digit(*p); p++) us += (unit /= 10) * (*p - '0');
    if (p == fraction || p - fraction > 9) return unsure();
  }
  if (us < EARLIEST_US || us >= LATEST_US) return unsure();
  put_hole(token, us);
  return p;
}

static const u8 *instant(const u8 *p) {
  if (*p == 'n') return null(p);
  if (*p != '"') {
    const u8 *behind = number(p), *read = epoch(p, INSTANT_NUMBER);
    return read && read == behind ? behind : unsure();
  }
  p++;
  if (is_digit(*p) && p[4] == '-') return date_and_time(p);
  if (!is_digit(*p) || !is_digit(p[2])) return date_in_words(p);
  p = epoch(p, INSTANT_DIGITS);
  return p && *p == '"' ? p + 1 : unsure();
}

/* Seconds as plain digits, with at most six behind the dot: microseconds then; or milliseconds, as a text that says so.
   Any other word stands in the shape. Twins: nginx._arrival, agentgateway._arrival. */
static const u8 *elapsed(const u8 *p) {
  if (*p == 'n') return null(p);
  int is_text = *p == '"';
  const u8 *behind = is_text ? p : number(p), *begin = p += is_text;
  if (!behind) return 0;
  if (is_text && !is_digit(*p)) return text_under(p, LITERAL);
  i64 us = 0, unit = 1000000;
  for (; is_digit(*p) && p - begin < 10; p++) us = us * 10 + (*p - '0');
  if (is_text && begins_with(p, "ms\"")) {
    put_hole(MILLISECONDS_TEXT, us * 1000);
    return p + 3;
  }
  us *= unit;
  if (*p == '.')
    for (p++; is_digit(*p) && unit > 1; p++) us += (unit /= 10) * (*p - '0');
  if (is_text ? *p != '"' : p != behind) return unsure();
  put_hole(is_text ? SECONDS_TEXT : SECONDS, us);
  return p + is_text;
}
