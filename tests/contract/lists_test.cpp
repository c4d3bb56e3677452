// Lists: order, selectors, pages.
#include <algorithm>

#include "home.h"

using namespace contract;

namespace {

std::vector<std::string> listed(const kube::Kind& kind, const kube::ListOptions& options) {
  const auto list = api().list(kind, options);
  REQUIRE_MESSAGE(list.has_value(), (list.has_value() ? "" : list.error().text));
  return names_of(list->items);
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a list is ordered by namespace and name and carries a resourceVersion") {
  const std::string ns = new_namespace();
  for (const char* name : {"b", "a", "c"}) made(kinds::config_map, config_map(ns, name, "order"));
  const auto list = api().list(kinds::config_map, {.ns = ns, .label_selector = "case=order"});
  REQUIRE(list.has_value());
  CHECK(names_of(list->items) == Names{"a", "b", "c"});
  CHECK_FALSE(list->resource_version.empty());
  CHECK(list->continue_token.empty());
  CHECK(text(list->items[0], "/kind") == "ConfigMap");
  CHECK(text(list->items[0], "/apiVersion") == "v1");
}

TEST_CASE("a list over all namespaces has the objects of each, a list of one only its own") {
  const std::string one = new_namespace(), two = new_namespace();
  const std::string label = "all-" + one;
  made(kinds::config_map, config_map(one, "x", label));
  made(kinds::config_map, config_map(two, "y", label));
  CHECK(listed(kinds::config_map, {.label_selector = "case=" + label}).size() == 2);
  CHECK(listed(kinds::config_map, {.ns = two, .label_selector = "case=" + label}) == Names{"y"});
  CHECK(listed(kinds::config_map, {.ns = "no-such-namespace"}).empty());
}

TEST_CASE("label selectors choose by equality, sets and presence") {
  const std::string ns = new_namespace();
  const auto with = [&](const char* name, std::string_view labels) {
    json::Value object = config_map(ns, name);
    json::set_at(object, "/metadata/labels", parsed(labels));
    made(kinds::config_map, object);
  };
  with("a", R"({"k":"1","only":"","n":"5"})");
  with("b", R"({"k":"2","n":"7"})");
  with("c", R"({"k":"3"})");
  const auto chosen = [&](const std::string& selector) {
    return listed(kinds::config_map, {.ns = ns, .label_selector = "k," + selector});
  };
  CHECK(chosen("k=1") == Names{"a"});
  CHECK(chosen("k==1") == Names{"a"});
  CHECK(chosen("k!=1") == Names{"b", "c"});
  CHECK(chosen("k in (1, 2)") == Names{"a", "b"});
  CHECK(chosen("k notin (1,2)") == Names{"c"});
  CHECK(chosen("only") == Names{"a"});
  CHECK(chosen("!only") == Names{"b", "c"});
  CHECK(chosen("only!=x") == Names{"a", "b", "c"});
  CHECK(chosen("only=") == Names{"a"});
  CHECK(chosen("k=1,n=5") == Names{"a"});
  CHECK(chosen("k=1,n=7").empty());
  CHECK(chosen("n>5") == Names{"b"});
  CHECK(chosen("n<7") == Names{"a"});
}

TEST_CASE("a selector that cannot be read, and a field that cannot be asked for, are refused") {
  for (const char* selector : {"a in", "a in b", "=x", "a=b c", "a,,b", "!", "a>b", "-a"}) {
    CAPTURE(selector);
    const auto refused = api().list(kinds::config_map, {.ns = "default", .label_selector = selector});
    REQUIRE_FALSE(refused.has_value());
    CHECK(muster::http_status(refused.error()) == 400);
  }
  for (const char* selector : {"spec.nodeName=x", "metadata.name", "data.k=v", "metadata.labels=x"}) {
    CAPTURE(selector);
    const auto refused = api().list(kinds::config_map, {.ns = "default", .field_selector = selector});
    REQUIRE_FALSE(refused.has_value());
    CHECK(muster::http_status(refused.error()) == 400);
  }
  CHECK(muster::http_status(refusal(api().list(kinds::pod, {.field_selector = "spec.containers=x"}))) == 400);
}

TEST_CASE("field selectors choose by name, namespace, node and phase") {
  const std::string ns = new_namespace();
  for (const char* name : {"a", "b", "c"}) made(kinds::pod, pod(ns, name));
  REQUIRE(api().bind({ns, "a"}, {.node = "node-x"}).has_value());
  REQUIRE(api().patch_status(kinds::pod, {ns, "b"}, parsed(R"({"status":{"phase":"Failed"}})")).has_value());
  const auto chosen = [&](const std::string& selector) {
    return listed(kinds::pod, {.ns = ns, .field_selector = selector});
  };
  CHECK(chosen("metadata.name=b") == Names{"b"});
  CHECK(chosen("metadata.namespace=" + ns).size() == 3);
  CHECK(chosen("spec.nodeName=node-x") == Names{"a"});
  CHECK(chosen("spec.nodeName=") == Names{"b", "c"});
  CHECK(chosen("spec.nodeName!=") == Names{"a"});
  CHECK(chosen("status.phase=Failed") == Names{"b"});
  CHECK(chosen("status.phase!=Failed,status.phase!=Succeeded") == Names{"a", "c"});
  CHECK(chosen("spec.schedulerName=contract").size() == 3);
  CHECK(chosen("spec.restartPolicy==Always").size() == 3);
  CHECK(chosen("spec.nodeName=node-x,metadata.name=b").empty());
}

TEST_CASE("pages join to the whole list, each of the size that was asked for") {
  const std::string ns = new_namespace();
  Names all;
  for (int i = 0; i < 10; ++i) {
    all.push_back("item-" + std::to_string(i));
    made(kinds::config_map, config_map(ns, all.back(), "page"));
  }
  Names seen;
  std::vector<std::size_t> sizes;
  kube::ListOptions options{.ns = ns, .label_selector = "case=page", .limit = 4};
  do {
    const auto page = api().list(kinds::config_map, options);
    REQUIRE(page.has_value());
    for (const std::string& name : names_of(page->items)) seen.push_back(name);
    sizes.push_back(page->items.size());
    options.continue_token = page->continue_token;
  } while (!options.continue_token.empty());
  CHECK(seen == all);
  CHECK(sizes == std::vector<std::size_t>{4, 4, 2});
}

TEST_CASE("later pages show the objects as they were at the first page") {
  const std::string ns = new_namespace();
  for (int i = 0; i < 6; ++i) made(kinds::config_map, config_map(ns, "item-" + std::to_string(i), "page"));
  kube::ListOptions options{.ns = ns, .label_selector = "case=page", .limit = 2};
  const auto first = api().list(kinds::config_map, options);
  REQUIRE(first.has_value());
  REQUIRE(api().remove(kinds::config_map, {ns, "item-3"}, {}).has_value());
  REQUIRE(api().patch(kinds::config_map, {ns, "item-4"}, parsed(R"({"data":{"k":"changed"}})")).has_value());
  made(kinds::config_map, config_map(ns, "item-2b", "page"));
  REQUIRE(api().remove(kinds::config_map, {ns, "item-2b"}, {}).has_value());
  made(kinds::config_map, config_map(ns, "item-5b", "page"));
  Names seen = names_of(first->items);
  std::string fourth;
  options.continue_token = first->continue_token;
  while (!options.continue_token.empty()) {
    const auto page = api().list(kinds::config_map, options);
    REQUIRE(page.has_value());
    CHECK(page->resource_version == first->resource_version);
    for (const json::Value& item : page->items) {
      if (kube::name_of(item) == "item-4") fourth = text(item, "/data/k");
      seen.push_back(kube::name_of(item));
    }
    options.continue_token = page->continue_token;
  }
  CHECK(seen == Names{"item-0", "item-1", "item-2", "item-3", "item-4", "item-5"});
  CHECK(fourth == "v");
}

TEST_CASE("a continue token that is none is refused") {
  const auto refused = api().list(kinds::config_map, {.ns = "default", .limit = 1, .continue_token = "!nonsense!"});
  REQUIRE_FALSE(refused.has_value());
  CHECK(muster::http_status(refused.error()) == 400);
}
