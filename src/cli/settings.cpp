// muster config view, login, version and doctor: about the command line itself and the server that it speaks to.

#include <sys/stat.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/workload.h"

namespace muster::cli {

Result<int> run_version(Session& session) {
  if (session.screen.is_for_programs()) session.screen.value(json::Object{{"version", MUSTER_VERSION}});
  else session.screen.line("muster " MUSTER_VERSION);
  return 0;
}

Result<int> run_config_view(Session& session) {
  const bool with_origin = session.typed.has("origin");
  json::Object values;
  std::vector<std::vector<Cell>> rows;
  for (const Setting& setting : session.settings.all()) {
    const std::string shown = setting.is_secret && !setting.value.empty() ? "********" : setting.value;
    if (with_origin) {
      values[setting.name] =
          json::Object{{"value", shown}, {"origin", to_text(setting.origin)}, {"source", setting.source}};
    } else {
      values[setting.name] = shown;
    }
    const std::string origin(to_text(setting.origin));
    rows.push_back({setting.name, shown,
                    origin + (setting.source == origin || setting.source.empty() ? "" : " (" + setting.source + ")")});
  }
  if (session.screen.form() == Form::Json || session.screen.form() == Form::Yaml) {
    session.screen.value(values);
    return 0;
  }
  if (with_origin) {
    session.screen.table({{"SETTING"}, {"VALUE"}, {"ORIGIN"}}, rows);
    session.screen.note("configuration file: " + session.settings_file);
    return 0;
  }
  for (const std::vector<Cell>& row : rows) session.screen.line(row[0].text + ": " + row[1].text);
  return 0;
}

Result<int> run_login(Session& session) {
  Server* server = TRY(session.server());
  const json::Value link = TRY(server->post("/api/muster/v1/login-links"));
  const std::string url = json::text_or(link, "/signInUrl");
  if (url.empty()) return internal("the server gave no sign-in link");
  if (session.screen.form() == Form::Json || session.screen.form() == Form::Yaml) {
    session.screen.value(link);
    return 0;
  }
  if (session.typed.has("link") || session.screen.form() == Form::Name) {
    session.screen.line(url);
    return 0;
  }
  session.screen.note("open this in a browser; it works once, for ten minutes:");
  session.screen.line(url);
  return 0;
}

namespace {

enum class Finding { Fine, Worth, Wrong };

// What doctor has looked at, in order.
class Findings {
 public:
  explicit Findings(const Screen& screen) : screen_(screen) {}
  void add(Finding finding, const std::string& check, const std::string& text, const std::string& remedy = "") {
    failed_ = failed_ || finding == Finding::Wrong;
    const char* word = finding == Finding::Fine ? "ok" : finding == Finding::Worth ? "note" : "fail";
    json::Object one{{"check", check}, {"result", word}, {"message", text}};
    if (!remedy.empty()) one["remedy"] = remedy;
    list_.push_back(std::move(one));
    const Tone tone = finding == Finding::Fine ? Tone::Good : finding == Finding::Worth ? Tone::Busy : Tone::Bad;
    rows_.push_back({Cell(word, tone), check, text + (remedy.empty() ? "" : "; " + remedy)});
  }
  int show() const {
    if (screen_.is_for_programs()) screen_.value(json::Object{{"checks", list_}});
    else screen_.table({{"RESULT"}, {"CHECK"}, {"FOUND"}}, rows_);
    return failed_ ? 1 : 0;
  }

 private:
  const Screen& screen_;
  json::Array list_;
  std::vector<std::vector<Cell>> rows_;
  bool failed_ = false;
};

void check_folder(const Session& session, Findings& findings) {
  const std::string& folder = session.settings.value("data");
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0) {
    findings.add(Finding::Worth, "data folder", folder + " is not there", "\"muster up\" makes it");
  } else if ((info.st_mode & 077) != 0) {
    findings.add(Finding::Wrong, "data folder", folder + " can be read by others", "chmod 700 " + folder);
  } else {
    findings.add(Finding::Fine, "data folder", folder);
  }
}

void check_nodes(const json::Value& nodes, Findings& findings) {
  std::size_t devices = 0, broken = 0;
  bool simulated = false;
  const json::Value* list = json::member(nodes, "nodes");
  if (list == nullptr || !list->is_array() || list->get_array().empty()) {
    findings.add(Finding::Wrong, "nodes", "there is none", "see the server's log");
    return;
  }
  for (const json::Value& node : list->get_array()) {
    const std::string name = json::text_or(node, "/name");
    if (!json::bool_at(node, "/ready").value_or(false)) findings.add(Finding::Wrong, "node " + name, "not ready");
    simulated = simulated || json::bool_at(node, "/simulated").value_or(false);
    const json::Value* held = json::member(node, "devices");
    if (held == nullptr || !held->is_array()) continue;
    for (const json::Value& device : held->get_array()) {
      ++devices;
      broken += !json::bool_at(device, "/healthy").value_or(true);
    }
  }
  const std::string count = count_of(static_cast<std::int64_t>(devices), "GPU");
  if (broken > 0) {
    findings.add(Finding::Wrong, "GPUs", std::to_string(broken) + " of " + count + " are broken",
                 "muster top names them");
  } else if (simulated) {
    findings.add(Finding::Worth, "GPUs", count + ", simulated", "install NVIDIA's driver to use real ones");
  } else if (devices == 0) {
    findings.add(Finding::Worth, "GPUs", "none", "muster up --gpus sim:2xA100-80G simulates some");
  } else {
    findings.add(Finding::Fine, "GPUs", count);
  }
}

}  // namespace

Result<int> run_doctor(Session& session) {
  Findings findings(session.screen);
  findings.add(Finding::Fine, "command line",
               "muster " MUSTER_VERSION + std::string(", settings from ") + session.settings_file);
  check_folder(session, findings);
  const Result<Server*> server = session.server();
  if (!server.has_value()) {
    findings.add(Finding::Wrong, "server", server.error().text);
    findings.show();
    return exit_code(server.error().kind);
  }
  const Result<json::Value> about = (*server)->get("/api/muster/v1/server");
  if (!about.has_value()) {
    findings.add(Finding::Wrong, "server", about.error().text);
    findings.show();
    return exit_code(about.error().kind);
  }
  const std::string version = json::text_or(*about, "/version");
  if (version != MUSTER_VERSION) {
    findings.add(Finding::Worth, "server", (*server)->where() + " runs " + version,
                 "this command line is " MUSTER_VERSION);
  } else {
    findings.add(Finding::Fine, "server",
                 (*server)->where() + ", " + json::text_or(*about, "/mode") + " mode, version " + version);
  }
  const Result<json::Value> me = (*server)->get("/api/muster/v1/me");
  if (me.has_value()) {
    findings.add(
        Finding::Fine, "you",
        json::text_or(*me, "/name") + (json::bool_at(*me, "/admin").value_or(false) ? ", an administrator" : ""));
  } else {
    findings.add(Finding::Wrong, "you", me.error().text);
  }
  const Result<json::Value> nodes = (*server)->get("/api/muster/v1/nodes");
  if (nodes.has_value()) check_nodes(*nodes, findings);
  else findings.add(Finding::Wrong, "nodes", nodes.error().text);
  return findings.show();
}

}  // namespace muster::cli
