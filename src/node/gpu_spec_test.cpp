#include "node/gpu_spec.h"

#include <doctest/doctest.h>

namespace muster::node {
namespace {

std::string error_of(std::string_view spec) {
  const auto nodes = parse_gpu_spec(spec);
  return nodes.has_value() ? "" : nodes.error().text;
}

bool says(std::string_view spec, std::string_view part) { return error_of(spec).find(part) != std::string::npos; }

TEST_CASE("one item is one simulated node with the pinned defaults") {
  const auto nodes = parse_gpu_spec("2xA100-80G");
  REQUIRE(nodes.has_value());
  REQUIRE(nodes->size() == 1);
  const SimulatedNode& node = nodes->front();
  CHECK(node.name == "sim-1");
  CHECK(node.count == 2);
  CHECK(node.model == "A100-80G");
  CHECK(node.memory_mib == 81920);
  CHECK(node.cpu == 64'000);
  CHECK(node.memory == 512LL << 30);
}

TEST_CASE("items may be named and sized") {
  const auto nodes = parse_gpu_spec("8xH100, big=4xH200-141G:cpu=128:mem=1Ti ,1xT4");
  REQUIRE(nodes.has_value());
  REQUIRE(nodes->size() == 3);
  CHECK((*nodes)[0].name == "sim-1");
  CHECK((*nodes)[1].name == "big");
  CHECK((*nodes)[1].memory_mib == 141 * 1024);
  CHECK((*nodes)[1].cpu == 128'000);
  CHECK((*nodes)[1].memory == 1LL << 40);
  CHECK((*nodes)[2].name == "sim-3");
}

TEST_CASE("items may carry labels for topologies and selectors") {
  const auto nodes = parse_gpu_spec("4xA100:label.rack=r1:label.example.com/zone=Z-1:cpu=8");
  REQUIRE(nodes.has_value());
  CHECK(nodes->front().labels == std::map<std::string, std::string>{{"rack", "r1"}, {"example.com/zone", "Z-1"}});
  CHECK(says("2xA100:label.rack", "label \"rack\": expected KEY=VALUE"));
  CHECK(says("2xA100:label.rack=a b", "label \"rack=a b\""));
}

TEST_CASE("the memory of a known model need not be written") {
  CHECK(parse_gpu_spec("1xT4")->front().memory_mib == 16 * 1024);
  CHECK(parse_gpu_spec("1xL40S")->front().memory_mib == 48 * 1024);
  CHECK(parse_gpu_spec("1xA100-SXM4-40G")->front().memory_mib == 40 * 1024);
  CHECK(parse_gpu_spec("1xfancy-512Mi")->front().memory_mib == 512);
  CHECK(parse_gpu_spec("1xsomething-new")->front().memory_mib == 81920);
}

TEST_CASE("a wrong spec says what is wrong and in which item") {
  CHECK(says("", "empty"));
  CHECK(says("2xA100,", "item 2"));
  CHECK(says("2xA100,xH100", "item 2 \"xH100\": expected COUNTxMODEL"));
  CHECK(says("A100", "expected COUNTxMODEL"));
  CHECK(says("0xA100", "must be 1 to 256"));
  CHECK(says("-1xA100", "must be 1 to 256"));
  CHECK(says("99999999999xA100", "must be 1 to 256"));
  CHECK(says("2x", "model \"\""));
  CHECK(says("2xA 100", "model \"A 100\""));
  CHECK(says("Big=2xA100", "node name \"Big\""));
  CHECK(says("2xA100:cores=4", "unknown option \"cores=4\""));
  CHECK(says("2xA100:cpu=many", "cpu"));
  CHECK(says("2xA100:mem=0", "above 0"));
  CHECK(says("a=1xT4,a=1xT4", "used twice"));
  CHECK(says("sim-2=1xT4,1xT4", "used twice"));
}

}  // namespace
}  // namespace muster::node
