#pragma once
// Random and hashes for identity: tokens, codes, digests.

#include <cstddef>
#include <string>
#include <string_view>

namespace muster::crypt {

// `bits` of randomness (a multiple of 8) in base64url without padding.
std::string random_token(std::size_t bits);
// Hex of SHA-256; tokens are stored as this.
std::string sha256_hex(std::string_view bytes);
std::string base64_encode(std::string_view bytes);

}  // namespace muster::crypt
