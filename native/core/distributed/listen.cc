// The socket that the store of a process group listens on.
#include "core/distributed/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/api.h"

namespace shinsaku {
namespace {

constexpr int kBacklog = 1024;

}  // namespace

int ListenOn(const std::string& address, uint16_t port) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  const bool is_v4 = inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1;
  if (!is_v4 && inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) != 1)
    throw Failure("DISTRIBUTED_INVALID", "expected a numeric address to listen on, but got " + address);
  const auto* bound = is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  const auto size = static_cast<socklen_t>(is_v4 ? sizeof(v4) : sizeof(v6));
  const int socket = ::socket(bound->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  if (socket >= 0) setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (socket < 0 || bind(socket, bound, size) != 0 || listen(socket, kBacklog) != 0) {
    const std::string why = std::generic_category().message(errno);
    if (socket >= 0) close(socket);
    throw Failure("DISTRIBUTED_INVALID", "rank 0 cannot listen on MASTER_ADDR " + address + ", MASTER_PORT " +
                                             std::to_string(port) + ": " + why);
  }
  return socket;
}

}  // namespace shinsaku
