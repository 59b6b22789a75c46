// What a backward of our own asks of its caller.
#pragma once

namespace shinsaku {

// Throws NATIVE_FAILED where autograd records a backward (create_graph), to differentiate it again: one that
// writes through raw pointers leaves no graph, so its terms would silently be missing from that derivative.
// `operation` names it: "the 3x3 convolution".
void RequireFirstOrder(const char* operation);

}  // namespace shinsaku
