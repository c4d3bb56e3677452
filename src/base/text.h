#pragma once
// Text: the few string operations that several rooms need.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);
// Pieces between separators; empty pieces are kept. "" gives one empty piece.
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);
// The known word nearest to a mistyped one (edit distance at most 2, or a third of its length); none when nothing is
// near.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known);
// ` (did you mean "x"?)` or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string> known);
// A DNS label: lower case letters, digits, '-', begins with a letter, ends with a letter or digit, at most 63 long.
bool is_dns_label(std::string_view text);
// Shell-like words: quotes and backslashes as sh reads them, no expansion. nullopt when a quote does not close.
std::optional<std::vector<std::string>> split_words(std::string_view text);
// The words as one line that split_words and sh read back.
std::string quote_words(std::span<const std::string> words);
// Constant-time equality, for secrets.
bool equal_secret(std::string_view a, std::string_view b);
// "3 nodes", "1 node".
std::string count_of(std::int64_t n, std::string_view singular);

}  // namespace muster
