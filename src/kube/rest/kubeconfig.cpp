// Three lists of named entries, and data that stand in the file or beside it.
#include "kube/rest/kubeconfig.h"

#include "base/file.h"
#include "base/text.h"
#include "base/yaml.h"

namespace muster::kube {

namespace {

Result<std::string> decode_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') value = static_cast<std::uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z') value = static_cast<std::uint32_t>(c - 'a') + 26;
    else if (c >= '0' && c <= '9') value = static_cast<std::uint32_t>(c - '0') + 52;
    else if (c == '+') value = 62;
    else if (c == '/') value = 63;
    else if (c == '=' || c == '\n' || c == '\r' || c == ' ') continue;
    else return invalid("is not base64");
    bits = (bits << 6) | value;
    have += 6;
    if (have >= 8) {
      have -= 8;
      out += static_cast<char>((bits >> have) & 0xff);
    }
  }
  return out;
}

// The entry called `name` of a list like [{name, cluster: {...}}].
Result<json::Value> entry(const json::Value& file, const char* list, const char* member, const std::string& name) {
  const json::Value* entries = json::member(file, list);
  if (entries != nullptr && entries->is_array()) {
    for (const json::Value& item : entries->get_array()) {
      if (json::text_or(item, "/name") != name) continue;
      const json::Value* found = json::member(item, member);
      return found == nullptr ? json::Value(json::Object{}) : *found;
    }
  }
  return not_found(std::string(member) + " \"" + name + "\" is not in its list of " + list);
}

// `<member>-data` in base64, or the file that `<member>` names.
Result<std::string> embedded_or_file(const json::Value& from, const std::string& member, const std::string& folder) {
  const std::string data = json::text_or(from, "/" + member + "-data");
  if (!data.empty()) return decode_base64(data).at(member + "-data");
  const std::string path = json::text_or(from, "/" + member);
  if (path.empty()) return std::string();
  return read_file(path.front() == '/' ? path : folder + "/" + path);
}

}  // namespace

Result<Kubeconfig> parse_kubeconfig(std::string_view text, const std::string& folder, const std::string& context) {
  const json::Value file = TRY(yaml::parse(text));
  const std::string wanted = context.empty() ? json::text_or(file, "/current-context") : context;
  if (wanted.empty()) return invalid("names no current-context; give one");
  const json::Value chosen = TRY(entry(file, "contexts", "context", wanted));
  const json::Value cluster = TRY(entry(file, "clusters", "cluster", json::text_or(chosen, "/cluster")));
  const json::Value user = TRY(entry(file, "users", "user", json::text_or(chosen, "/user")));
  Kubeconfig out;
  out.server = json::text_or(cluster, "/server");
  if (out.server.empty()) return invalid("its cluster has no server");
  while (out.server.ends_with('/')) out.server.pop_back();
  out.insecure_skip_verify = json::bool_at(cluster, "/insecure-skip-tls-verify").value_or(false);
  out.ca_pem = TRY(embedded_or_file(cluster, "certificate-authority", folder));
  out.certificate_pem = TRY(embedded_or_file(user, "client-certificate", folder));
  out.key_pem = TRY(embedded_or_file(user, "client-key", folder));
  out.token = json::text_or(user, "/token");
  if (out.token.empty()) {
    const std::string path = json::text_or(user, "/tokenFile");
    if (!path.empty()) {
      const std::string token = TRY(read_file(path.front() == '/' ? path : folder + "/" + path));
      out.token = trim(token);
    }
  }
  if (out.token.empty() && out.certificate_pem.empty() && json::member(user, "exec") != nullptr) {
    return invalid("its user gets credentials from a program (exec), which is not run; give a token or a certificate");
  }
  return out;
}

Result<Kubeconfig> read_kubeconfig(const std::string& path, const std::string& context) {
  const std::string text = TRY(read_file(path).at("reading the kubeconfig"));
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
  return parse_kubeconfig(text, folder, context).at("kubeconfig " + path);
}

}  // namespace muster::kube
