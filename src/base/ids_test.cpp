#include "base/ids.h"

#include <doctest/doctest.h>

#include <set>

namespace muster {
namespace {

TEST_CASE("UUIDs are new each time, those of a name always the same") {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = new_uuid();
    CHECK(is_uuid(id));
    CHECK(id[14] == '4');
    CHECK(std::string_view("89ab").find(id[19]) != std::string_view::npos);
    CHECK(seen.insert(id).second);
  }
  CHECK(uuid_of_name("host-1") == uuid_of_name("host-1"));
  CHECK(uuid_of_name("host-1") != uuid_of_name("host-2"));
  CHECK(uuid_of_name("x")[14] == '8');
}

TEST_CASE("a UUID has its form") {
  CHECK(is_uuid("B7E9A9C4-6a3d-4d6d-8a3e-0f2f1f0a9b11"));
  for (const std::string_view text : {"", "b7e9a9c46a3d4d6d8a3e0f2f1f0a9b11", "b7e9a9c4-6a3d-4d6d-8a3e-0f2f1f0a9b1",
                                      "b7e9a9c4-6a3d-4d6d-8a3e-0f2f1f0a9b1g", "b7e9a9c4_6a3d-4d6d-8a3e-0f2f1f0a9b11"})
    CHECK_FALSE(is_uuid(text));
}

TEST_CASE("suffixes have no letters that look alike and form no words") {
  const std::string suffix = random_suffix(500);
  CHECK(suffix.size() == 500);
  CHECK(suffix.find_first_not_of("bcdfghjklmnpqrstvwxz2456789") == std::string::npos);
  CHECK(random_suffix(10) != random_suffix(10));
}

TEST_CASE("ids compare, hash and know when they are none") {
  struct Tag;
  using TestId = Id<Tag>;
  CHECK(TestId::none().is_none());
  CHECK(TestId{1} < TestId{2});
  CHECK(std::hash<TestId>()(TestId{7}) == 7);
}

}  // namespace
}  // namespace muster
