#pragma once
// An immutable JSON value, shared by handle. What is behind it is nlohmann/json; rooms that build
// or read JSON include that library themselves, so this header does not.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "reconcilers/model/result.h"

namespace ray_gitops {

class Document {
 public:
  Document();  // JSON null
  explicit Document(nlohmann::json json);

  const nlohmann::json& json() const { return *json_; }
  bool is_null() const;
  // Keys sorted, no white space: equal documents give equal bytes.
  std::string canonical() const;

  // Refuses what is not JSON, or is deeper than k_json_depth_max (InvalidInput).
  static Result<Document> parse(std::string_view text);
  // The same of a text whose parts need not be kept: `keep` is shown each object and list within
  // the outermost one once it has been read, its depth (of the outermost one: 0), and the key of
  // depth 1 that it stands under. What is not kept is left out of its list.
  using Keep = std::function<bool(int depth, const std::string& key, const nlohmann::json& value)>;
  static Result<Document> parse(std::string_view text, const Keep& keep);

  friend bool operator==(const Document& left, const Document& right);

 private:
  std::shared_ptr<const nlohmann::json> json_;
};

constexpr int k_json_depth_max = 256;

}  // namespace ray_gitops
