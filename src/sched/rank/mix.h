#pragma once
// Mix: the shapes that work is made of, and how much of a node's free devices serves them. What of it a shape drawn
// from the mix cannot take is the node's fragmentation (Weng et al., USENIX ATC 2023).

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace muster::sched::rank {

// What a pod asks for, labels and the rest of it aside.
struct Ask {
  std::int64_t cpu = 0;      // thousandths of a core
  std::int32_t devices = 0;  // 0: none
  std::int32_t milli = 0;    // of each; 1000: whole ones
  friend auto operator<=>(const Ask&, const Ask&) = default;
};

// So many pods that ask for the same and may go to the same nodes.
struct Demand {
  Ask ask;
  std::uint32_t klass = 0;  // below most_classes
  std::int64_t count = 0;
};

// Nodes that admit the same classes.
struct NodeKind {
  std::uint64_t classes = 0;  // bit per class
  std::int64_t gpu = 0;       // thousandths of devices that they have in all
};

// What is free on one node.
struct Room {
  std::int64_t cpu = 0;
  std::uint32_t kind = 0;
  std::span<const std::int32_t> free;  // thousandths of each device
};

class Mix {
 public:
  static constexpr std::uint32_t most_classes = 64;

  Mix() = default;
  // The most frequent demands that together are 95 % of the pods, those without a device included; fewer where these
  // are too many to be told apart quickly.
  Mix(std::vector<Demand> demands, const std::vector<NodeKind>& kinds);

  // Pods that the mix stands for: what `fragment` is a multiple of.
  std::int64_t pods() const { return pods_; }
  // Thousandths of devices that a pod of the mix cannot take, summed over its pods.
  std::int64_t fragment(const Room& room) const;

  struct Taken {
    std::uint64_t devices = 0;
    std::int64_t fragment = 0;  // afterwards
  };
  // The devices out of `open` that leave least fragmentation; the lowest of equals. Requires: enough of them have room.
  Taken take(const Room& room, const Ask& ask, std::uint64_t open) const;

  // How much of the nodes of a kind is asked for by pods that may not go everywhere, in thousandths, if as much is
  // asked for in all as there is.
  std::int64_t pressure(std::uint32_t kind) const { return pressure_[kind]; }

 private:
  static constexpr std::size_t most_shapes = 128, most_thresholds = 64;
  struct Part {  // demands for the same devices
    std::int32_t devices = 0, milli = 0;
    std::uint32_t threshold = 0;  // index into thresholds_
    friend auto operator<=>(const Part&, const Part&) = default;
  };
  struct Sums {                                         // of one node, per threshold
    std::array<std::int32_t, most_thresholds> count{};  // devices with at least so much free
    std::array<std::int32_t, most_thresholds> large{};  // free in these
    std::int32_t free = 0;
  };

  void learn(const std::vector<Demand>& demands, const std::vector<NodeKind>& kinds);
  void press(const std::vector<Demand>& demands, const std::vector<NodeKind>& kinds);
  void list(const std::vector<Demand>& mix);
  Sums sums(const Room& room) const;
  void change(Sums& sums, std::int32_t from, std::int32_t to) const;
  const std::int64_t* served(std::uint32_t kind, std::int64_t cpu) const;
  std::int64_t total(const Sums& sums, const std::int64_t* served) const;
  Taken take_one(const Room& room, const Ask& ask, std::uint64_t open) const;

  std::int64_t pods_ = 0;
  std::vector<std::int32_t> thresholds_;  // distinct milli, rising
  std::vector<Part> parts_;
  std::vector<std::int64_t> levels_;    // distinct CPU requests, rising
  std::vector<std::int64_t> served_;    // [kind][level][part]: pods of the part whom the node's CPU and labels serve
  std::vector<std::int64_t> pressure_;  // by kind
};

}  // namespace muster::sched::rank
