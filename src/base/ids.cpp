#include "base/ids.h"

#include <sys/random.h>

#include <array>
#include <cstdio>

#include "base/check.h"

namespace muster {
namespace {

void fill_random(void* out, std::size_t n) {
  CHECK(getrandom(out, n, 0) == static_cast<ssize_t>(n), "the system's random generator answers for short requests");
}

std::string format_uuid(std::array<unsigned char, 16> b, int version) {
  b[6] = static_cast<unsigned char>((b[6] & 0x0f) | (version << 4));
  b[8] = static_cast<unsigned char>((b[8] & 0x3f) | 0x80);
  char text[37];
  std::snprintf(text, sizeof text, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
                b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
  return text;
}

}  // namespace

std::string new_uuid() {
  std::array<unsigned char, 16> bytes{};
  fill_random(bytes.data(), bytes.size());
  return format_uuid(bytes, 4);
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return false;
    } else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) {
      return false;
    }
  }
  return true;
}

std::string uuid_of_name(std::string_view name) {
  // Two 64-bit FNV-1a hashes with different offsets; version 8 (RFC 9562) says that the layout is our own.
  std::array<unsigned char, 16> bytes{};
  for (int half = 0; half < 2; ++half) {
    std::uint64_t h = half == 0 ? 0xcbf29ce484222325ULL : 0x9ae16a3b2f90404fULL;
    for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ULL;
    h ^= h >> 32;
    for (int i = 0; i < 8; ++i)
      bytes[static_cast<std::size_t>(half * 8 + i)] = static_cast<unsigned char>(h >> (i * 8));
  }
  return format_uuid(bytes, 8);
}

std::string random_suffix(std::size_t n) {
  static constexpr char letters[] = "bcdfghjklmnpqrstvwxz2456789";
  std::string out(n, ' ');
  for (char& c : out) {
    unsigned char byte = 0;
    do {
      fill_random(&byte, 1);
    } while (byte >= 27 * 9);
    c = letters[byte % 27];
  }
  return out;
}

}  // namespace muster
