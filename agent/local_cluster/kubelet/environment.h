#pragma once
// The environment of a container, resolved as Kubernetes does it.

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "agent/local_cluster/kubelet/process_plan.h"
#include "reconcilers/model/document.h"

namespace ray_gitops::local_cluster {

// The object of plural ("configmaps", "secrets") and name in the pod's namespace, or a null
// Document.
using FindObject = std::function<Document(const std::string& plural, const std::string& name)>;

struct EnvironmentInput {
  const nlohmann::json& pod;
  const nlohmann::json& container;
  std::string pod_address;
  std::string host_address;
  std::string node_name;
  const FindObject& find;
};

// Values for $(NAME): `$(NAME)` of a known name is replaced, `$$` stands for `$` and so protects
// what follows it, anything else stays as it is (Kubernetes API, Container.command).
std::string expand_references(std::string_view text,
                              const std::map<std::string, std::string>& names);

// envFrom, then env on top of `base`, each value expanded with what stands before it. InvalidInput
// names a missing object or key, or a source that is not supported.
Result<Environment> resolve_environment(const EnvironmentInput& input, const Environment& base);

// The later of two entries of one name wins, in the place of the earlier.
void set_variable(Environment& environment, const std::string& name, std::string value);

// The decoded value of a key of a Secret, or the text of one of a ConfigMap (data, binaryData).
Result<std::string> read_key(const Document& object, const std::string& key);
// Every key of a ConfigMap or Secret.
Result<std::map<std::string, std::string>> read_keys(const Document& object);

}  // namespace ray_gitops::local_cluster
