#pragma once
// The JSON Schema library behind a plain interface: the only place that includes it.

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ray_gitops {

class SchemaValidator {
 public:
  // A draft-07 schema of ours; that it compiles is checked (CHECK).
  explicit SchemaValidator(const nlohmann::json& schema);
  ~SchemaValidator();
  SchemaValidator(SchemaValidator&&) noexcept;

  bool accepts(const nlohmann::json& instance) const;
  // The keys and indexes that lead to each value which fails, parents of such values included, in
  // no order and with repetitions.
  std::vector<std::vector<std::string>> failures(const nlohmann::json& instance) const;

 private:
  struct Compiled;
  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace ray_gitops
