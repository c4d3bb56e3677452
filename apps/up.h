#pragma once
// `muster up` and `muster down`: the whole of Muster in one process on this machine.

#include <string>
#include <vector>

namespace muster::apps {

int up_main(const std::vector<std::string>& arguments);
int down_main(const std::vector<std::string>& arguments);

}  // namespace muster::apps
