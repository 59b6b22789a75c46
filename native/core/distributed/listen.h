// The socket that the store of a process group listens on.
#pragma once

#include <cstdint>
#include <string>

namespace shinsaku {

// A TCP socket that listens on one address of this machine, a numeric IPv4 or IPv6 address, and nowhere else;
// c10d's store would listen on all of them. Throws DISTRIBUTED_INVALID where the address or port cannot be
// had.
int ListenOn(const std::string& address, uint16_t port);

}  // namespace shinsaku
