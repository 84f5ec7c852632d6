#pragma once
// Ray heads in thought: a head that is really there says what it said when it was asked, and every
// head takes what it is given. A job that is submitted runs, and Serve's applications run at once.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "reconcilers/model/ray_head.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::review {

class ImaginedRay {
 public:
  // The answer; nullopt when only the real head can tell, which has not been asked yet. `addresses`
  // are those of the head's cluster, of GetServe: Serve's proxies.
  std::optional<Result<RayReply>> answer(const RayRequest& request,
                                         const std::set<std::string>& addresses);
  // What the real head has answered. The same is never asked twice.
  void learn(const RayRequest& request, const Result<RayReply>& reply);

 private:
  // A request that reads, and the head.
  using Question = std::tuple<RayVerb, std::string, std::string>;
  static Question question_of(const RayRequest& request);
  std::optional<Result<RayReply>> recall(const RayRequest& request) const;
  void take(const RayRequest& request);
  void submit(const RayRequest& request);
  void stop(const RayRequest& request);
  void put(const RayRequest& request);

  std::map<Question, Result<RayReply>> learned_;
  // By head and submission id: jobs that were submitted or stopped in thought.
  std::map<std::pair<std::string, std::string>, RayJobInfo> jobs_;
  std::map<std::string, ServeInfo> serve_;  // by head: what was put in thought
};

}  // namespace ray_gitops::review
