#include "model/gpu_request.h"

#include <doctest/doctest.h>

namespace muster::model {
namespace {

using Kind = GpuRequest::Kind;

GpuRequest read(std::string_view text) {
  const Result<GpuRequest> request = parse_gpu_request(text);
  REQUIRE_MESSAGE(request.has_value(), (request.has_value() ? "" : request.error().text));
  return *request;
}

std::string refusal(std::string_view text) {
  const Result<GpuRequest> request = parse_gpu_request(text);
  REQUIRE_FALSE(request.has_value());
  CHECK(request.error().kind == ErrorKind::Invalid);
  return request.error().text;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_CASE("whole devices, shares, memory and MIG profiles are read") {
  CHECK(read("0") == GpuRequest{});
  CHECK(read("0.0") == GpuRequest{});
  CHECK(read("2") == GpuRequest{.kind = Kind::Whole, .devices = 2, .milli = 1000});
  CHECK(read("1.0") == GpuRequest{.kind = Kind::Whole, .devices = 1, .milli = 1000});
  CHECK(read("4x1") == GpuRequest{.kind = Kind::Whole, .devices = 4, .milli = 1000});
  CHECK(read("0.5") == GpuRequest{.kind = Kind::Portion, .devices = 1, .milli = 500});
  CHECK(read(".25") == GpuRequest{.kind = Kind::Portion, .devices = 1, .milli = 250});
  CHECK(read("0.125000") == GpuRequest{.kind = Kind::Portion, .devices = 1, .milli = 125});
  CHECK(read("2x0.5") == GpuRequest{.kind = Kind::Portion, .devices = 2, .milli = 500});
  CHECK(read("10Gi") == GpuRequest{.kind = Kind::Memory, .devices = 1, .memory_mib = 10240});
  CHECK(read("2x1G") == GpuRequest{.kind = Kind::Memory, .devices = 2, .memory_mib = 954});
  CHECK(read("mig-1g.10gb").mig.at("nvidia.com/mig-1g.10gb") == 1);
  CHECK(read("2xmig-3g.40gb+nvidia.com/mig-1g.10gb").mig.at("nvidia.com/mig-3g.40gb") == 2);
}

TEST_CASE("a request is written in the words that read it back") {
  for (const std::string text :
       {"0", "1", "8", "0.5", "0.125", "2x0.5", "10Gi", "2x1536Mi", "mig-1g.10gb", "mig-1g.10gb+2xmig-3g.40gb"}) {
    CHECK(to_text(read(text)) == text);
    CHECK(read(to_text(read(text))) == read(text));
  }
}

TEST_CASE("more than one device in decimals is refused with what to ask instead") {
  CHECK(has(refusal("1.5"), "2 whole devices or for \"2x0.75\""));
  CHECK(has(refusal("2.4"), "\"3x0.8\""));
  CHECK(has(refusal("2x1.5"), "2 whole devices"));
  CHECK(has(refusal("2x3"), "ask for \"6\""));
}

TEST_CASE("what is no request is refused with examples") {
  for (const std::string text : {"", " ", "x", "2x", "x2", "-1", "0.", "one", "500m", "1e3", "0x0.5", "0..5", "0.5.5",
                                 "10gi", "99999999", "1,5", "2xx3"}) {
    CAPTURE(text);
    refusal(text);
  }
  CHECK(has(refusal("0.1234"), "three decimals"));
  CHECK(has(refusal("500m"), "0.5"));
  CHECK(has(refusal("mig-big"), "MIG profile"));
  CHECK(has(refusal("0Gi"), "more than 0"));
}

TEST_CASE("quota is charged by devices and shares") {
  CHECK(charged_milli(read("0"), 81920) == 0);
  CHECK(charged_milli(read("3"), 81920) == 3000);
  CHECK(charged_milli(read("2x0.5"), 81920) == 1000);
  // 10 GiB of 80 GiB are 0.125, rounded up to 0.13.
  CHECK(charged_milli(read("10Gi"), 81920) == 130);
  CHECK(charged_milli(read("2x10Gi"), 81920) == 260);
  CHECK(charged_milli(read("2xmig-3g.40gb+mig-1g.10gb"), 81920) == 7000);
}

TEST_CASE("device memory becomes a share rounded up to a hundredth") {
  CHECK(portion_of_memory(1, 81920) == 10);
  CHECK(portion_of_memory(8192, 81920) == 100);
  CHECK(portion_of_memory(8193, 81920) == 110);
  CHECK(portion_of_memory(81920, 81920) == 1000);
  CHECK(portion_of_memory(81921, 81920) == 1010);
  CHECK(portion_of_memory(0, 81920) == 0);
  CHECK(portion_of_memory(INT64_MAX, 1) == 1'000'000);
}

}  // namespace
}  // namespace muster::model
