#include "agent/kubernetes/yaml.h"

#include <exception>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

namespace ray_gitops::kubernetes {
namespace {

using Json = nlohmann::json;

// Events and not YAML::Node: a Node keeps repeated keys and expands aliases without a limit.
class JsonBuilder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(mark, anchor, Json()); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse(mark, "an alias"); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string& value) override {
    add(mark, anchor, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, anchor, Json::array());
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, anchor, Json::object());
  }
  void OnMapEnd() override { close(); }

  Result<Document> finish() {
    if (!problem_.empty()) return fail(ErrorCode::InvalidInput, problem_);
    return Document{std::move(root_)};
  }

 private:
  struct Level {
    Json value;
    std::optional<std::string> key;  // of a map, read and waiting for its value
  };

  void refuse(const YAML::Mark& mark, const std::string& what) {
    if (problem_.empty()) problem_ = "line " + std::to_string(mark.line + 1) + " has " + what;
  }

  void put(Json value) {
    if (levels_.empty()) {
      root_ = std::move(value);
      return;
    }
    Level& level = levels_.back();
    if (level.value.is_array()) return level.value.push_back(std::move(value));
    level.value[level.key.value_or("")] = std::move(value);
    level.key.reset();
  }

  bool expects_key() const {
    return !levels_.empty() && levels_.back().value.is_object() && !levels_.back().key;
  }

  void add(const YAML::Mark& mark, YAML::anchor_t anchor, Json value) {
    if (anchor != YAML::NullAnchor) refuse(mark, "an anchor");
    if (!problem_.empty()) return;
    if (!expects_key()) return put(std::move(value));
    Level& level = levels_.back();
    if (!value.is_string()) return refuse(mark, "a key that is no text");
    level.key = value.get<std::string>();
    if (level.value.contains(*level.key)) refuse(mark, "a key that was given before");
  }

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, Json empty) {
    if (anchor != YAML::NullAnchor) refuse(mark, "an anchor");
    if (expects_key()) refuse(mark, "a key that is no text");
    if (levels_.size() >= k_json_depth_max) refuse(mark, "too many levels");
    if (problem_.empty()) levels_.push_back({std::move(empty), std::nullopt});
  }

  void close() {
    if (!problem_.empty()) return;
    Json value = std::move(levels_.back().value);
    levels_.pop_back();
    put(std::move(value));
  }

  Json root_;
  std::vector<Level> levels_;
  std::string problem_;
};

}  // namespace

Result<Document> parse_yaml(std::string_view text) {
  JsonBuilder builder;
  try {
    std::istringstream stream{std::string{text}};
    YAML::Parser parser{stream};
    parser.HandleNextDocument(builder);
    JsonBuilder second;
    if (parser.HandleNextDocument(second))
      return fail(ErrorCode::InvalidInput, "it has a second document");
  } catch (const YAML::Exception& exception) {
    return fail(ErrorCode::InvalidInput,
                "line " + std::to_string(exception.mark.line + 1) + " is not YAML");
  } catch (const std::exception&) {
    return fail(ErrorCode::InvalidInput, "it is not YAML");
  }
  return builder.finish();
}

}  // namespace ray_gitops::kubernetes
