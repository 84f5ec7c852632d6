#pragma once
// The addresses of one bridge: the first is the bridge's, the others are given to pods.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "reconcilers/model/result.h"

namespace ray_gitops::local_cluster {

class AddressPool {
 public:
  // "10.88.0.0/24": IPv4, prefix length 16 to 29, no host bits, none of the addresses that Services
  // get. InvalidInput otherwise.
  static Result<AddressPool> parse(std::string_view subnet);

  const std::string& subnet() const { return subnet_; }
  int prefix_length() const { return prefix_length_; }
  std::string gateway() const;
  // Is it one that is given to pods, now or later?
  bool is_pod_address(std::string_view address) const;

  // The lowest free address; the same one again while `holder` holds it. LimitExceeded when all are
  // taken.
  Result<std::string> take(const std::string& holder);
  // Takes this very address, as a pod of an earlier run has it. Conflict when another one holds it.
  Result<void> take_exactly(const std::string& holder, const std::string& address);
  void release(const std::string& holder);

 private:
  std::string subnet_;
  int prefix_length_ = 24;
  std::uint32_t first_ = 0;  // of pods
  std::uint32_t last_ = 0;
  std::map<std::uint32_t, std::string> holders_;
  std::map<std::string, std::uint32_t> addresses_;
};

}  // namespace ray_gitops::local_cluster
