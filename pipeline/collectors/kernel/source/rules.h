/* Rules: what a row amounts to. A rule is a list of sums of what stands in the holes of a row: those that say whether the
   row is read so, and then the columns of the event. The host writes it (`rules/table.py`); which ones there are is not
   decided here. Twin: rule.Rule. */
#pragma once
#include "shapes.h"

enum {
  RULES_MAX = 1 << 17, /* a number for each shape and each of its variants, and for further rules */
  RULE_WORDS_MAX = 1 << 20, /* of all rules */
  COLUMNS_MAX = 24,
  COLUMN_ROWS = ROWS_MAX + 8, /* so that elements of one row are not all a power of two apart */
};
static const u32 NO_RULE = ~0u;

/* What a sum must be. Twin: traced.Relation. */
enum { IS_ZERO = 1, IS_NO_ZERO, IS_NOT_NEGATIVE };

static i64 rule_words[RULE_WORDS_MAX];
static u32 rule_at[RULES_MAX];     /* where a rule begins; 0 of none. The first one of a shape has its number */
static u32 rule_behind[RULES_MAX]; /* the one to be tried where a row does not obey it; 0 of none */
static u32 row_rules[ROWS_MAX];   /* the one that a row obeys, or NO_RULE, and then it has no columns */
static i64 columns[COLUMNS_MAX][COLUMN_ROWS];

/* A sum: how much it is always, how many holes are in it, and each of these with how many times. */
static const i64 *sum(const i64 *word, const i64 *hole, i64 *found) {
  i64 n = *word++;
  for (i64 left = *word++; left; left--, word += 2) n += hole[word[0]] * word[1];
  *found = n;
  return word;
}

/* Returns what is behind the conditions of a rule, or 0 where one of them does not hold. */
static const i64 *behind_conditions(const i64 *word, const i64 *hole) {
  for (i64 left = *word++; left; left--) {
    i64 relation = *word++, found;
    word = sum(word, hole, &found);
    if (relation == IS_ZERO && found != 0) return 0;
    if (relation == IS_NO_ZERO && found == 0) return 0;
    if (relation == IS_NOT_NEGATIVE && found < 0) return 0;
  }
  return word;
}

/* Works out so many rows of the block, each by the first rule of its shape that it obeys, and so many columns of each. */
void EXPORT(apply_rules)(u32 row_count, u32 column_count) {
  for (u32 row = 0; row < row_count; row++) {
    const i64 *hole = holes + row_holes[row], *word = 0;
    u32 rule = row_shapes[row];
    while (rule_at[rule] && !(word = behind_conditions(rule_words + rule_at[rule], hole)) && rule_behind[rule])
      rule = rule_behind[rule];
    row_rules[row] = word ? rule : NO_RULE;
    for (u32 i = 0; word && i < column_count; i++) word = sum(word, hole, &columns[i][row]);
  }
}
