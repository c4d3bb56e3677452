#pragma once
// Wide: 128-bit integers for exact cross products of ratios, so that no comparison needs floating point.

namespace muster {
__extension__ typedef __int128 Wide;
}  // namespace muster
