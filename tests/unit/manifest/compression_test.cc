#include "reconcilers/manifest/compression.h"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace ray_gitops {
namespace {

constexpr std::size_t k_limit = std::size_t{1} << 20;

TEST(Compression, gives_back_what_went_in) {
  for (const std::string& text :
       {std::string(), std::string("a"), std::string(k_limit, 'x'), std::string("\0\xff", 2)}) {
    EXPECT_EQ(decompress(compress(text), k_limit).value(), text);
    EXPECT_EQ(compress(text), compress(text));
  }
}

TEST(Compression, gives_back_any_bytes) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    RC_ASSERT(decompress(compress(bytes), bytes.size() + 1).value() == bytes);
  }));
}

TEST(Compression, refuses_what_grows_over_the_limit) {
  const auto bomb = decompress(compress(std::string(k_limit + 1, 'x')), k_limit);
  ASSERT_FALSE(bomb);
  EXPECT_EQ(bomb.error().code, ErrorCode::LimitExceeded);
}

TEST(Compression, refuses_what_is_not_compressed_or_cut_short) {
  const std::string good = compress(std::string(1000, 'x') + "yz");
  EXPECT_FALSE(decompress("", k_limit));
  EXPECT_FALSE(decompress("not zlib", k_limit));
  EXPECT_FALSE(decompress(std::string(100, '\0'), k_limit));
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(decompress(good.substr(0, length), k_limit)) << length;
}

TEST(Compression, notices_a_changed_byte) {
  std::string changed = compress("the document of a cluster");
  changed[changed.size() - 1] = static_cast<char>(changed.back() ^ 1);
  EXPECT_FALSE(decompress(changed, k_limit));
}

TEST(Compression, gives_an_answer_for_any_bytes) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    static_cast<void>(decompress(bytes, 4096));
    static_cast<void>(decompress("\x78\x9c" + bytes, 4096));
  }));
}

TEST(Base64, is_written_with_padding) {
  EXPECT_EQ(base64_encode(""), "");
  EXPECT_EQ(base64_encode("f"), "Zg==");
  EXPECT_EQ(base64_encode("fo"), "Zm8=");
  EXPECT_EQ(base64_encode("foo"), "Zm9v");
  EXPECT_EQ(base64_encode("\xfb\xff"), "+/8=");
}

TEST(Base64, gives_back_any_bytes) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    RC_ASSERT(base64_decode(base64_encode(bytes)).value() == bytes);
  }));
  EXPECT_EQ(base64_decode(base64_encode(std::string(3, '\0'))).value(), std::string(3, '\0'));
}

TEST(Base64, refuses_what_is_none) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg==\n\n\n\n", "    Zg==", "Zm 9", "Zg==Zg==", "====",
                           "Z===", "=Zg=", "Zm9v\n\n\n\n", "Zm9_", "Zm-v", "Zm9v====", "Zm9\xff"})
    EXPECT_FALSE(base64_decode(text)) << text;
}

TEST(Base64, gives_an_answer_for_any_bytes) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    static_cast<void>(base64_decode(text));
    static_cast<void>(base64_decode(text + text + text + text));
  }));
}

}  // namespace
}  // namespace ray_gitops
