#include "crypt/random.h"

#include <doctest/doctest.h>

#include <set>

using namespace muster;

TEST_CASE("a token has the asked bits, is safe in a URL and is never the same twice") {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string token = crypt::random_token(128);
    CHECK(token.size() == 22);
    CHECK(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
          std::string::npos);
    CHECK(seen.insert(token).second);
  }
  CHECK(crypt::random_token(256).size() == 43);
}

TEST_CASE("SHA-256 gives the digests of FIPS 180-4's examples") {
  CHECK(crypt::sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(crypt::sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(crypt::sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("base64 gives the words of RFC 4648") {
  CHECK(crypt::base64_encode("") == "");
  CHECK(crypt::base64_encode("f") == "Zg==");
  CHECK(crypt::base64_encode("fo") == "Zm8=");
  CHECK(crypt::base64_encode("foo") == "Zm9v");
  CHECK(crypt::base64_encode("foobar") == "Zm9vYmFy");
  CHECK(crypt::base64_encode("\xff\xfe\xfd") == "//79");
}
