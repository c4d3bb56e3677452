#include "base/file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/temporary_folder.h"

namespace muster {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

TEST_CASE("a file is written whole, with its mode, and read back") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/secret";
  REQUIRE(write_file_atomic(path, "first", 0600).has_value());
  CHECK(mode_of(path) == 0600);
  REQUIRE(write_file_atomic(path, std::string(200'000, 'x'), 0644).has_value());
  CHECK(mode_of(path) == 0644);
  CHECK(read_file(path)->size() == 200'000);
  CHECK(read_file(path, 1000).error().kind == ErrorKind::Invalid);
}

TEST_CASE("what cannot be read or written says which file and why") {
  const TemporaryFolder folder;
  const Result<std::string> missing = read_file(folder.path() + "/none");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().kind == ErrorKind::NotFound);
  CHECK(missing.error().text == "reading " + folder.path() + "/none: no such file or directory");
  CHECK(write_file_atomic(folder.path() + "/no/file", "x", 0600).error().kind == ErrorKind::NotFound);
  CHECK_FALSE(read_file(folder.path()).has_value());
}

TEST_CASE("a full disk says space") {
  Fd full(::open("/dev/full", O_WRONLY));
  if (!full.is_open()) return;
  CHECK(::write(full.get(), "x", 1) == -1);
  const Error error = system_error(errno, "writing x");
  CHECK(error.kind == ErrorKind::Internal);
  CHECK(error.text.find("space") != std::string::npos);
}

TEST_CASE("folders are made along the way, with their mode") {
  const TemporaryFolder folder;
  REQUIRE(make_folders(folder.path() + "/a/b/c", 0700).has_value());
  REQUIRE(make_folders(folder.path() + "/a/b/c", 0700).has_value());
  CHECK(mode_of(folder.path() + "/a/b") == 0700);
  REQUIRE(write_file_atomic(folder.path() + "/f", "x", 0600).has_value());
  CHECK_FALSE(make_folders(folder.path() + "/f", 0700).has_value());
  CHECK_FALSE(make_folders(folder.path() + "/f/g", 0700).has_value());
}

TEST_CASE("a temporary folder vanishes with what is in it") {
  std::string path;
  {
    const TemporaryFolder folder;
    path = folder.path();
    CHECK(mode_of(path) == 0700);
    REQUIRE(make_folders(path + "/deep/er", 0700).has_value());
  }
  CHECK(mode_of(path) == 0);
}

TEST_CASE("a descriptor closes itself once") {
  int number = -1;
  {
    Fd first(::open("/dev/null", O_RDONLY));
    REQUIRE(first.is_open());
    Fd second(std::move(first));
    CHECK_FALSE(first.is_open());  // NOLINT: a moved-from Fd is closed
    number = second.get();
    second = Fd(::open("/dev/null", O_RDONLY));
    CHECK(second.is_open());
    CHECK(::fcntl(number, F_GETFD) == -1);
    number = second.get();
  }
  CHECK(::fcntl(number, F_GETFD) == -1);
}

}  // namespace
}  // namespace muster
