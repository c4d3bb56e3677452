#include "base/config.h"

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/temporary_folder.h"

namespace muster {
namespace {

const std::vector<KnownSetting> known = {
    {.name = "project", .flag = "--project", .variable = "MUSTER_PROJECT", .otherwise = "default"},
    {.name = "url", .variable = "MUSTER_URL", .otherwise = ""},
    {.name = "token", .variable = "MUSTER_TOKEN", .otherwise = "", .is_secret = true}};

TEST_CASE("a flag wins over the environment, that over the file, that over the default") {
  const TemporaryFolder folder;
  const std::string file = folder.path() + "/config.yaml";
  REQUIRE(write_file_atomic(file, "project: from-file\nurl: http://file\n", 0600).has_value());
  Config::Sources sources{.variable = [](std::string_view) { return std::nullopt; }, .file = file};
  CHECK(Config::load(known, {})->at("project").origin == Setting::Origin::Default);
  CHECK(Config::load(known, sources)->value("project") == "from-file");
  CHECK(Config::load(known, sources)->at("url").source == file);
  sources.variable = [](std::string_view name) {
    return name == "MUSTER_PROJECT" ? std::optional<std::string>("from-env") : std::optional<std::string>("");
  };
  CHECK(Config::load(known, sources)->value("project") == "from-env");
  CHECK(Config::load(known, sources)->at("url").origin == Setting::Origin::File);
  sources.flags["project"] = "from-flag";
  const Result<Config> config = Config::load(known, sources);
  CHECK(config->value("project") == "from-flag");
  CHECK(config->at("project").source == "--project");
  CHECK(to_text(config->at("project").origin) == "flag");
  CHECK(config->all().size() == 3);
}

TEST_CASE("a file that cannot be meant is refused, a missing one only when it was asked for") {
  const TemporaryFolder folder;
  const std::string file = folder.path() + "/config.yaml";
  const auto load = [&](std::string_view bytes) {
    REQUIRE(write_file_atomic(file, bytes, 0600).has_value());
    return Config::load(known, {.file = file});
  };
  CHECK(load("").has_value());
  CHECK(load("project: 5\n")->value("project") == "5");
  CHECK(load("porject: x\n").error().text.find("did you mean \"project\"") != std::string::npos);
  CHECK(load("project: [a]\n").error().pointer == "/project");
  CHECK(load("- a\n").error().text.find("mapping") != std::string::npos);
  CHECK(load("a: [\n").error().text.find("line") != std::string::npos);
  CHECK(Config::load(known, {.file = folder.path() + "/none"}).has_value());
  CHECK(Config::load(known, {.file = folder.path() + "/none", .file_must_exist = true}).error().kind ==
        ErrorKind::NotFound);
}

}  // namespace
}  // namespace muster
