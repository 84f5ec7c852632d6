#include "agent/git/credentials.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace ray_gitops::git {
namespace {

class CredentialFile : public testing::Test {
 protected:
  CredentialFile() {
    std::string name = (std::filesystem::temp_directory_path() / "rg-token-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    path_ = folder_ + "/token";
  }
  ~CredentialFile() override { std::filesystem::remove_all(folder_); }
  Result<std::optional<Credentials>> read(const std::string& content, mode_t mode = 0600) {
    std::ofstream(path_) << content;
    chmod(path_.c_str(), mode);
    return read_credentials({"git", "", path_});
  }

  std::string folder_;
  std::string path_;
};

TEST(Credential, is_one_line) {
  for (const char* text : {"abc", "abc\n", "abc\r\n"}) EXPECT_EQ(parse_credential(text), "abc");
  for (const char* text : {"", "\n", "a\nb", "a b", "abc\n\n", "a\tb", "\xC3\xA4", "abc\x7f"})
    EXPECT_EQ(parse_credential(text).error().code, ErrorCode::InvalidInput) << text;
  EXPECT_EQ(parse_credential("hidden token").error().message.find("hidden"), std::string::npos);
}

TEST(Credential, is_masked_plain_and_encoded) {
  const Credentials credentials{"user", "token"};
  EXPECT_EQ(without_credentials("a token, and Basic dXNlcjp0b2tlbg== again token", credentials),
            "a ***, and Basic *** again ***");
  EXPECT_EQ(without_credentials("Basic dTp0b2tlbg==", {"u", "token"}), "Basic ***");
  EXPECT_EQ(without_credentials("Basic dXM6dG9rZW4=", {"us", "token"}), "Basic ***");
  EXPECT_EQ(without_credentials("a*b", {"u", "*"}), "a***b");
}

TEST_F(CredentialFile, is_read_where_nobody_else_may) {
  EXPECT_EQ(read("abc\n")->value().token, "abc");
  EXPECT_EQ(read("abc", 0440)->value().username, "git");
  for (const mode_t mode : {0644U, 0604U, 0602U, 0620U, 0601U})
    EXPECT_EQ(read("abc", mode).error().code, ErrorCode::Forbidden) << mode;
  EXPECT_EQ(read("abc", 0644).error().where, path_);
}

TEST_F(CredentialFile, is_read_through_a_link_as_kubernetes_makes_them) {
  ASSERT_TRUE(read("abc"));
  std::filesystem::rename(path_, folder_ + "/data");
  std::filesystem::create_symlink("data", path_);
  EXPECT_EQ(read_credentials({"git", "", path_})->value().token, "abc");
}

TEST_F(CredentialFile, has_a_limit) {
  EXPECT_TRUE(read(std::string(k_credential_bytes_max, 'x')));
  EXPECT_EQ(read(std::string(k_credential_bytes_max + 1, 'x')).error().code,
            ErrorCode::LimitExceeded);
}

TEST_F(CredentialFile, is_a_file_that_is_there) {
  EXPECT_EQ(read_credentials({"git", "", path_}).error().code, ErrorCode::NotFound);
  EXPECT_EQ(read_credentials({"git", "", folder_}).error().code, ErrorCode::InvalidInput);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(read_credentials({"git", "", path_}).error().code, ErrorCode::InvalidInput);
}

TEST_F(CredentialFile, may_hold_the_user_name_too) {
  ASSERT_TRUE(read("abc"));
  const std::string username = folder_ + "/username";
  std::filesystem::copy_file(path_, username);
  EXPECT_EQ(read_credentials({"git", username, path_})->value().username, "abc");
  std::ofstream(username) << "a:b";
  EXPECT_EQ(read_credentials({"git", username, path_}).error().where, username);
  EXPECT_FALSE(read_credentials({"git", "", ""})->has_value());
}

}  // namespace
}  // namespace ray_gitops::git
