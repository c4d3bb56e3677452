#include "node/run/nursery.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/ids.h"
#include "base/temporary_folder.h"
#include "node/run/playground_test.h"

namespace muster::node {
namespace {

bool has_ended(const Fd& pidfd, int patience_ms) {
  pollfd fd{pidfd.get(), POLLIN, 0};
  return ::poll(&fd, 1, patience_ms) == 1;
}

TEST_CASE("a nursery begins shims that outlive it, each shown with its own folder") {
  TemporaryFolder temporary;
  const std::string uid = new_uuid();
  const RunFolder folder(temporary.path());
  REQUIRE(folder.write(testing::order_of(uid, "sleep 0.3; exit 4")).has_value());
  Fd shim;
  {
    auto nursery = Nursery::start(testing::this_program(), temporary.path());
    REQUIRE(nursery.has_value());
    auto begun = nursery->begin(folder);
    REQUIRE(begun.has_value());
    shim = std::move(*begun);
    REQUIRE(testing::wait_until([&] { return folder.start().has_value(); }));
    const std::string pid = std::to_string(folder.shim()->shim.pid);
    const std::string words = read_file("/proc/" + pid + "/cmdline").value();
    CHECK(words.find(std::string("shim\0", 5) + folder.path() + '\0') != std::string::npos);
    CHECK(words.find("nursery") == std::string::npos);
    CHECK(!has_ended(shim, 0));
  }
  CHECK(!has_ended(shim, 0));
  CHECK(testing::wait_for_exit(folder).exit_code == 4);
  CHECK(has_ended(shim, 5000));
}

TEST_CASE("a nursery that was killed says that it is gone") {
  TemporaryFolder temporary;
  auto nursery = Nursery::start(testing::this_program(), temporary.path());
  REQUIRE(nursery.has_value());
  const RunFolder folder(temporary.path() + "/none");
  REQUIRE(nursery->begin(folder).has_value());
  for (const pid_t child : children_of_self()) ::kill(child, SIGKILL);
  CHECK(testing::wait_until([&] { return !nursery->begin(folder).has_value(); }));
  CHECK(nursery->begin(folder).error().kind == ErrorKind::Unavailable);
}

}  // namespace
}  // namespace muster::node
