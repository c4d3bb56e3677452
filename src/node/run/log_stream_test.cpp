#include "node/run/log_stream.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <thread>

#include "base/ids.h"
#include "node/run/output_log.h"
#include "node/run/playground_test.h"

namespace muster::node {
namespace {

using testing::order_of;
using testing::start_shim;
using testing::TemporaryFolder;

std::string all_of(kube::ByteStream& stream) {
  std::string all;
  for (;;) {
    const auto bytes = stream.read(Deadline::in(seconds(20)));
    REQUIRE(bytes.has_value());
    if (bytes->empty()) return all;
    all += *bytes;
  }
}

std::string tail(const RunFolder& folder, std::int64_t lines) {
  LogStream stream(folder, {.tail_lines = lines});
  return all_of(stream);
}

TEST_CASE("a follower that came before the run sees all of it and its end") {
  TemporaryFolder temporary;
  const std::string uid = new_uuid();
  const RunFolder folder(temporary.path() + "/" + uid + "/0");
  LogStream stream(folder, {.follow = true});
  std::jthread later([&] {
    REQUIRE(make_folders(folder.path(), 0700).has_value());
    REQUIRE(folder.write(order_of(uid, "for i in 1 2 3; do echo line $i; sleep 0.05; done")).has_value());
    start_shim(folder);
  });
  CHECK(all_of(stream) == "line 1\nline 2\nline 3\n");
}

TEST_CASE("a follower of a run that never begins ends when that is known, or by cancel") {
  TemporaryFolder temporary;
  LogStream never(RunFolder(temporary.path() + "/x/0"), {.follow = true, .will_never_run = [] { return true; }});
  CHECK(never.read(Deadline::in(seconds(5))).value() == "");
  LogStream waiting(RunFolder(temporary.path() + "/y/0"), {.follow = true});
  CHECK(waiting.read(Deadline::in(milliseconds(20))).error().kind == ErrorKind::Timeout);
  std::jthread later([&] { waiting.cancel(); });
  CHECK(waiting.read(Deadline::in(seconds(5))).value() == "");
}

TEST_CASE("a follower crosses segments without losing or repeating a byte") {
  TemporaryFolder temporary;
  const std::string uid = new_uuid();
  const RunFolder folder(temporary.path());
  RunOrder order = order_of(uid, "seq 1 200000");
  order.segment_bytes = 65536;
  order.segments = 100;
  REQUIRE(folder.write(order).has_value());
  LogStream stream(folder, {.follow = true});
  start_shim(folder);
  std::string expected;
  for (int i = 1; i <= 200000; ++i) expected += std::to_string(i) + "\n";
  CHECK(all_of(stream) == expected);
}

TEST_CASE("a tail is the last lines, also across segments, and an unfinished line counts") {
  TemporaryFolder temporary;
  const RunFolder folder(temporary.path());
  REQUIRE(folder.write(order_of("u", "")).has_value());
  CHECK(tail(folder, 5) == "");
  OutputLog log(folder, 4096, 10);
  for (int i = 1; i <= 2000; ++i) log.append(std::to_string(i) + "\n");
  CHECK(folder.segments().size() > 2);
  CHECK(tail(folder, 0) == "");
  CHECK(tail(folder, 1) == "2000\n");
  CHECK(tail(folder, 3) == "1998\n1999\n2000\n");
  CHECK(tail(folder, 1500).starts_with("501\n502\n"));
  CHECK(tail(folder, 100000).starts_with("1\n2\n"));
  log.append("unfinished");
  CHECK(tail(folder, 2) == "2000\nunfinished");
}

TEST_CASE("a full disk neither stops a job nor hides what was lost") {
  if (!testing::is_root()) {
    MESSAGE("SKIPPED: needs root for a small file system");
    return;
  }
  TemporaryFolder temporary;
  const std::string small = temporary.path() + "/small";
  REQUIRE(::mkdir(small.c_str(), 0700) == 0);
  REQUIRE(::system(("mount -t tmpfs -o size=64k tmpfs " + small).c_str()) == 0);
  {
    OutputLog log(RunFolder(small), 32 << 20, 4);
    const std::string line(1000, 'x');
    for (int i = 0; i < 10'000; ++i) log.append(line);
    CHECK(log.is_waiting());
    CHECK(!log.flush());
    REQUIRE(::system(("mount -o remount,size=32m " + small).c_str()) == 0);
    CHECK(log.flush());
    log.append("end\n");
    const std::string all = testing::output_of(RunFolder(small));
    CHECK(all.size() > 8'000'000);
    CHECK(all.find("bytes of output are lost here: no space left on device]\n") != std::string::npos);
    CHECK(all.ends_with("end\n"));
  }
  REQUIRE(::system(("umount " + small).c_str()) == 0);
}

}  // namespace
}  // namespace muster::node
