#pragma once
// The local cluster's state directory: its objects, its credentials, and the kubeconfig to it.

#include <cstdint>
#include <string>

#include "agent/local_cluster/server/database.h"
#include "agent/local_cluster/server/tls.h"
#include "agent/local_cluster/store/store.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::local_cluster {

struct OpenedStore {
  Store store;
  Database database;
};

// Makes the directory (0700) when it is missing, reads STATE/objects.db into a Store that keeps its
// unsaved changes, and sees to it that the namespaces every cluster has are there.
Result<OpenedStore> open_store(const std::string& state_directory, WallTime now);

// What a client must know of the server besides its address.
struct Credentials {
  std::string token;
  Certificate certificate;
};

// STATE/token (64 hexadecimal digits), STATE/tls.crt and STATE/tls.key: made at the first start
// (0600), the same ever after, so that kubeconfigs stay good.
Result<Credentials> read_or_make_credentials(const std::string& state_directory, WallTime now);

// STATE/port: where the server listened last, so that clients find it again after a restart; 0 when
// that is not known.
std::uint16_t read_port(const std::string& state_directory);
Result<void> save_port(const std::string& state_directory, std::uint16_t port);

// A kubeconfig for `url` with the token in it, readable by its owner only; replaces the file at
// once.
Result<void> write_kubeconfig(const std::string& path, const std::string& url,
                              const Credentials& credentials);

}  // namespace ray_gitops::local_cluster
