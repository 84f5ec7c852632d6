#pragma once
// Groups whose pods cannot be had stay closed for a while after their trouble is over: what was
// asked of them is gone with it, and they would get the same demand, and the same trouble, at once.

#include <map>
#include <string>

#include "reconcilers/model/time.h"

namespace ray_gitops::autoscaler {

class TroubleMemory {
 public:
  // After its trouble is over a group is closed for the first of these, doubling with each trouble
  // that follows, up to the second. It begins anew after k_forget without one.
  static constexpr Duration k_first_pause = std::chrono::seconds(10);
  static constexpr Duration k_longest_pause = std::chrono::minutes(5);
  static constexpr Duration k_forget = std::chrono::minutes(10);

  // `troubles`: what is in the way now, by group, as a sentence that follows the group's name.
  // Gives these and those that count on, with what the sentence was.
  std::map<std::string, std::string> remember(const std::map<std::string, std::string>& troubles,
                                              Instant now);

 private:
  struct Past {
    int count = 0;  // of troubles, each after a time without
    bool is_present = false;
    Instant ended_at;
    std::string why;
  };
  static bool counts_on(const Past& past, Instant now);

  std::map<std::string, Past> groups_;
};

}  // namespace ray_gitops::autoscaler
