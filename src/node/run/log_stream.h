#pragma once
// LogStream: the output of one run as a byte stream: from the start or the last lines, to where it ends now or, with
// follow, until the run has ended and all was sent. Waits by inotify; one thread reads, any may cancel.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/file.h"
#include "kube/api.h"
#include "node/run/folder.h"

namespace muster::node {

class LogStream final : public kube::ByteStream {
 public:
  struct Options {
    bool follow = false;
    std::optional<std::int64_t> tail_lines;
    // With follow, asked now and then while the run has not begun: whether it never will. Then the stream ends.
    std::function<bool()> will_never_run;
  };
  LogStream(RunFolder folder, Options options);
  Result<std::string> read(Deadline deadline) override;
  void cancel() override;

 private:
  // Watches the run's folder, or the nearest one above that is there.
  void watch();
  void find_start();
  std::string read_some();
  bool advance();
  // False when the deadline passed.
  bool wait(Deadline deadline);

  RunFolder folder_;
  Options options_;
  Fd inotify_, cancelled_, segment_;
  bool found_ = false;  // the folder is there and the start was chosen
  bool ended_ = false;  // exit.json was there before the last look at the output
  int number_ = -1;     // of the open segment
};

}  // namespace muster::node
