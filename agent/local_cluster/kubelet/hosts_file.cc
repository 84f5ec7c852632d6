#include "agent/local_cluster/kubelet/hosts_file.h"

#include <algorithm>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/local_cluster/kubelet/json_access.h"
#include "agent/local_cluster/kubelet/process.h"
#include "agent/local_cluster/kubelet/status.h"
#include "agent/local_cluster/store/selectors.h"
#include "agent/local_cluster/store/service_network.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

std::string namespace_of(const json& object) {
  return text(member(object, "metadata", "namespace"));
}

bool is_endpoint(const json& service, const json& pod) {
  if (namespace_of(service) != namespace_of(pod) || is_over(pod)) return false;
  const json& selector = member(service, "spec", "selector");
  if (selector.empty() || !has_labels(pod, selector)) return false;
  if (text(member(pod, "status", "podIP")).empty()) return false;
  if (member(pod, "metadata", "deletionTimestamp").is_string()) return false;
  return boolean(member(service, "spec", "publishNotReadyAddresses")) ||
         has_condition(pod, "Ready");
}

std::vector<std::string> addresses_of(const json& service, const std::vector<Document>& pods) {
  const std::string own = text(member(service, "spec", "clusterIP"));
  if (parse_cluster_ip(own)) return {own};
  std::vector<std::string> addresses;
  for (const Document& pod : pods)
    if (is_endpoint(service, pod.json()))
      addresses.push_back(text(member(pod.json(), "status", "podIP")));
  return addresses;
}

std::string names_of(const json& service, const json& pod) {
  const std::string name = text(member(service, "metadata", "name"));
  const std::string with_namespace = name + "." + namespace_of(service);
  std::string names =
      with_namespace + ".svc." + k_cluster_domain + " " + with_namespace + ".svc " + with_namespace;
  if (namespace_of(service) == namespace_of(pod)) names += " " + name;
  return names;
}

}  // namespace

std::string render_hosts_file(const json& pod, const std::string& address,
                              const std::vector<Document>& services,
                              const std::vector<Document>& pods) {
  const std::string name = text(member(pod, "metadata", "name"));
  const std::string hostname = text(member(pod, "spec", "hostname"), name);
  std::string result =
      "127.0.0.1 localhost\n::1 localhost ip6-localhost\n" + address + " " + hostname + "\n";
  for (const Document& service : services) {
    for (const std::string& each : addresses_of(service.json(), pods))
      result += each + " " + names_of(service.json(), pod) + "\n";
  }
  return result;
}

Result<void> write_in_place(const std::string& path, std::string_view content) {
  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!file.is_open()) return fail_with_errno(path);
  struct stat before{};
  if (fstat(file.get(), &before) != 0) return fail_with_errno(path);
  // Empty lines cover the rest of a longer old content until it is cut off.
  std::string padded(content);
  padded.resize(std::max(content.size(), static_cast<std::size_t>(before.st_size)), '\n');
  const bool written =
      pwrite(file.get(), padded.data(), padded.size(), 0) == static_cast<ssize_t>(padded.size());
  if (!written || ftruncate(file.get(), static_cast<off_t>(content.size())) != 0) {
    return fail_with_errno(path);
  }
  return {};
}

}  // namespace ray_gitops::local_cluster
