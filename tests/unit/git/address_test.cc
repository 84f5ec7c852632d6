#include "agent/git/address.h"

#include <gtest/gtest.h>

namespace ray_gitops::git {
namespace {

TEST(Address, takes_https_http_file_and_absolute_paths) {
  EXPECT_EQ(parse_address("https://host/a/b.git")->url, "https://host/a/b.git");
  EXPECT_EQ(parse_address("http://127.0.0.1:80/a")->path, "");
  EXPECT_EQ(parse_address("file:///a%20b/c")->path, "/a b/c");
  EXPECT_EQ(parse_address("/a b/c:d%41")->path, "/a b/c:d%41");
  EXPECT_EQ(parse_address("/a b/c:d%41")->url, "file:///a%20b/c:d%2541");
}

TEST(Address, refuses_everything_else_with_a_sentence) {
  for (const std::string url :
       {"", "relative/path", "ssh://host/path", "ssh://-oProxyCommand=x/p", "git@host:path",
        "host:path", "git://host/path", "gopher://host/", "ext::sh -c x", "https://",
        "https:///path", "https://-host/path", "https://host/a b", "https://host/\nx",
        "file://host/path", "file:///a%00b"})
    EXPECT_EQ(parse_address(url).error().code, ErrorCode::InvalidInput) << url;
  EXPECT_NE(parse_address("git@host:path").error().message.find("ssh"), std::string::npos);
  EXPECT_FALSE(parse_address("https://host/" + std::string(3000, 'x')));
}

TEST(Address, shows_no_password) {
  EXPECT_EQ(parse_address("https://user:hidden@host/path")->shown, "https://***@host/path");
  EXPECT_EQ(parse_address("ssh://user:hidden@host/path").error().where, "ssh://***@host/path");
}

}  // namespace
}  // namespace ray_gitops::git
