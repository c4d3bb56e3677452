#include "kube/rest/kubeconfig.h"

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/temporary_folder.h"
#include "kube/rest/status.h"

using namespace muster;
using kube::parse_kubeconfig;
using kube::pointer_of_field;

namespace {

constexpr std::string_view two_contexts = R"(
apiVersion: v1
kind: Config
current-context: here
contexts:
- {name: here, context: {cluster: one, user: alice, namespace: x}}
- {name: there, context: {cluster: two, user: bob}}
clusters:
- {name: one, cluster: {server: "https://10.0.0.1:6443/", certificate-authority-data: Q0EgcGVt}}
- {name: two, cluster: {server: "https://10.0.0.2:6443", certificate-authority: ca.pem, insecure-skip-tls-verify: true}}
users:
- {name: alice, user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}}
- {name: bob, user: {token: secret}}
- {name: carol, user: {exec: {command: aws}}}
)";

}  // namespace

TEST_CASE("the current context with embedded certificates is read") {
  const auto config = parse_kubeconfig(two_contexts, "/nowhere", "");
  REQUIRE_MESSAGE(config.has_value(), (config.has_value() ? "" : config.error().text));
  CHECK(config->server == "https://10.0.0.1:6443");
  CHECK(config->ca_pem == "CA pem");
  CHECK(config->certificate_pem == "CERT");
  CHECK(config->key_pem == "KEY");
  CHECK(config->token.empty());
  CHECK_FALSE(config->insecure_skip_verify);
}

TEST_CASE("a named context with files and a token is read, paths being relative to the file") {
  const TemporaryFolder folder;
  REQUIRE(write_file_atomic(folder.path() + "/ca.pem", "the authority", 0600).has_value());
  REQUIRE(write_file_atomic(folder.path() + "/config", two_contexts, 0600).has_value());
  const auto config = kube::read_kubeconfig(folder.path() + "/config", "there");
  REQUIRE_MESSAGE(config.has_value(), (config.has_value() ? "" : config.error().text));
  CHECK(config->ca_pem == "the authority");
  CHECK(config->token == "secret");
  CHECK(config->insecure_skip_verify);
}

TEST_CASE("what is missing is named") {
  CHECK(kube::read_kubeconfig("/nowhere/config", "").error().kind == ErrorKind::NotFound);
  CHECK(parse_kubeconfig(two_contexts, "/nowhere", "elsewhere").error().text.find("elsewhere") != std::string::npos);
  CHECK(parse_kubeconfig(two_contexts, "/nowhere", "there").error().kind == ErrorKind::NotFound);
  CHECK(parse_kubeconfig("{}", "/nowhere", "").error().kind == ErrorKind::Invalid);
  std::string exec(two_contexts);
  exec.replace(exec.find("user: alice"), 11, "user: carol");
  CHECK(parse_kubeconfig(exec, "/nowhere", "").error().text.find("exec") != std::string::npos);
}

TEST_CASE("a server's field becomes a JSON pointer") {
  CHECK(pointer_of_field("spec.size") == "/spec/size");
  CHECK(pointer_of_field("spec.parts[1].weight") == "/spec/parts/1/weight");
  CHECK(pointer_of_field("metadata.labels[a.b/c]") == "/metadata/labels/a.b~1c");
  CHECK(pointer_of_field("").empty());
  CHECK(pointer_of_field("[").empty());
}

TEST_CASE("a refusal keeps its status, its words and its place") {
  const Error gone = kube::error_of_answer("watching pods", 410, R"({"kind":"Status","message":"too old","code":410})");
  CHECK(gone.kind == ErrorKind::NotFound);
  CHECK(http_status(gone) == 410);
  CHECK(gone.text == "watching pods: too old");
  const Error field = kube::error_of_answer(
      "creating widget a", 422,
      R"({"kind":"Status","message":"bad","details":{"causes":[{"reason":"FieldValueInvalid","field":"spec.size"}]}})");
  CHECK(field.kind == ErrorKind::Invalid);
  CHECK(http_status(field) == 422);
  CHECK(field.pointer == "/spec/size");
  const Error proxy = kube::error_of_answer("listing pods", 502, "<html>bad gateway</html>");
  CHECK(http_status(proxy) == 502);
  CHECK(proxy.text.find("bad gateway") != std::string::npos);
  const Error throttled = kube::error_of_answer("evicting pod a/b", 429, R"({"kind":"Status","message":"budget"})");
  CHECK(throttled.kind == ErrorKind::Exhausted);
}
