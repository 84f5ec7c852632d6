#include "reconcilers/status/columns.h"

#include <gtest/gtest.h>

namespace ray_gitops::status {
namespace {

ColumnTable table() {
  return {.rows = {{{"STATE", ""}, {"MESSAGE", ""}, {"SINCE", ""}},
                   {{"Ready", ""}, {"all of the forty workers of it are ready", ""}, {"now", ""}},
                   {{"Blocked", ""}, {"", ""}, {"then", ""}}},
          .flexible = 1};
}

TEST(Columns, count_what_a_terminal_shows) {
  EXPECT_EQ(columns_of("ready"), 5U);
  EXPECT_EQ(columns_of("größer"), 6U);
  EXPECT_EQ(columns_of("日本"), 4U);
  EXPECT_EQ(columns_of("e\u0301"), 1U) << "a combining accent";
}

TEST(Columns, cut_between_characters) {
  EXPECT_EQ(cut_to_columns("ready", 5), "ready");
  EXPECT_EQ(cut_to_columns("ready", 4), "rea…");
  EXPECT_EQ(cut_to_columns("größer", 4), "grö…");
  EXPECT_EQ(cut_to_columns("日本語", 4), "日…") << "half a character is none";
  EXPECT_EQ(cut_to_columns("ready", 1), "…");
}

TEST(Columns, are_as_wide_as_what_is_in_them) {
  EXPECT_EQ(render_columns(table(), 0),
            "STATE    MESSAGE                                   SINCE\n"
            "Ready    all of the forty workers of it are ready  now\n"
            "Blocked                                            then\n");
}

TEST(Columns, cut_the_flexible_one_to_the_width_of_the_terminal) {
  EXPECT_EQ(render_columns(table(), 46),
            "STATE    MESSAGE                         SINCE\n"
            "Ready    all of the forty workers of i…  now\n"
            "Blocked                                  then\n");
}

TEST(Columns, leave_something_to_read_on_a_terminal_that_is_too_narrow) {
  EXPECT_EQ(render_columns(table(), 10),
            "STATE    MESSAGE                   SINCE\n"
            "Ready    all of the forty worker…  now\n"
            "Blocked                            then\n");
}

TEST(Columns, colour_changes_no_width) {
  ColumnTable coloured = table();
  coloured.rows[1][0].style = "\x1b[32m";
  EXPECT_NE(render_columns(coloured, 0).find("\x1b[32mReady\x1b[0m    all of"), std::string::npos);
}

TEST(Columns, of_an_empty_table_are_nothing) { EXPECT_EQ(render_columns({}, 80), ""); }

}  // namespace
}  // namespace ray_gitops::status
