// `muster sim fuzz` on an engine with a planted fault.

#include "sim/sim.h"

int main(int count, char** arguments) { return muster::sim::main_fuzz({arguments + 1, arguments + count}); }
