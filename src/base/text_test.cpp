#include "base/text.h"

#include <doctest/doctest.h>

namespace muster {
namespace {

TEST_CASE("text is trimmed, split and joined") {
  CHECK(trim(" \t a b\r\n") == "a b");
  CHECK(trim("  ").empty());
  CHECK(split("a,,b", ',') == std::vector<std::string_view>{"a", "", "b"});
  CHECK(split("", ',').size() == 1);
  const std::vector<std::string> parts = {"a", "b", "c"};
  CHECK(join(parts, ", ") == "a, b, c");
  CHECK(join({}, ", ").empty());
  CHECK(to_lower("GPU Ä") == "gpu Ä");
  CHECK(count_of(1, "node") == "1 node");
  CHECK(count_of(0, "node") == "0 nodes");
}

TEST_CASE("the nearest word is found, and none when nothing is near") {
  const std::vector<std::string> known = {"image", "images", "workingDir", "args"};
  CHECK(nearest("imgae", known) == "image");
  CHECK(nearest("IMAGE", known) == "image");
  CHECK(nearest("working_dir", known) == "workingDir");
  CHECK_FALSE(nearest("zzzzzzz", known).has_value());
  CHECK_FALSE(nearest(std::string(300, 'a'), known).has_value());
  CHECK(did_you_mean("imgae", known) == " (did you mean \"image\"?)");
  CHECK(did_you_mean("zzzzzzz", known).empty());
}

TEST_CASE("DNS labels begin with a letter and have at most 63 characters") {
  for (const std::string& text : std::vector<std::string>{"a", "vision", "a-1", std::string(63, 'a')})
    CHECK(is_dns_label(text));
  for (const std::string& text :
       std::vector<std::string>{"", "1a", "-a", "a-", "A", "a_b", "a.b", std::string(64, 'a')}) {
    CAPTURE(text);
    CHECK_FALSE(is_dns_label(text));
  }
}

TEST_CASE("words are split as sh splits them, and quoted so that they come back") {
  using Words = std::vector<std::string>;
  CHECK(split_words("a  b\t'c d' \"e \\\" f\" g\\ h ''") == Words{"a", "b", "c d", "e \" f", "g h", ""});
  CHECK(split_words("a'b'\"c\"d") == Words{"abcd"});
  CHECK(split_words("'a\\b' \"a\\b\"") == Words{"a\\b", "a\\b"});
  CHECK(split_words("")->empty());
  CHECK_FALSE(split_words("'open").has_value());
  CHECK_FALSE(split_words("\"open").has_value());
  for (const Words& words : {Words{"sh", "-c", "echo 'it' \"is\"; exit $?"}, Words{""},
                             Words{"a\nb", "\\", "'", "\"", "ü", "*"}, Words{"--gpu=0.5", "/a/b.py"}}) {
    CHECK(split_words(quote_words(words)) == words);
  }
  const Words plain = {"python3", "train.py", "--lr=0.1"};
  CHECK(quote_words(plain) == "python3 train.py --lr=0.1");
}

TEST_CASE("secrets are equal only when they are") {
  CHECK(equal_secret("abc", "abc"));
  CHECK_FALSE(equal_secret("abc", "abd"));
  CHECK_FALSE(equal_secret("abc", "abcd"));
  CHECK_FALSE(equal_secret("abcd", "abc"));
  CHECK_FALSE(equal_secret("", std::string_view("\0", 1)));
  CHECK(equal_secret("", ""));
}

}  // namespace
}  // namespace muster
