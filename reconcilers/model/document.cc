#include "reconcilers/model/document.h"

#include <string>

#include <nlohmann/json.hpp>

namespace ray_gitops {

Document::Document() : json_(std::make_shared<const nlohmann::json>()) {}
Document::Document(nlohmann::json json)
    : json_(std::make_shared<const nlohmann::json>(std::move(json))) {}

bool Document::is_null() const { return json_->is_null(); }

std::string Document::canonical() const {
  return json_->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<Document> Document::parse(std::string_view text) {
  return parse(text, [](int, const std::string&, const nlohmann::json&) { return true; });
}

Result<Document> Document::parse(std::string_view text, const Keep& keep) {
  bool too_deep = false;
  std::string key;
  using Event = nlohmann::json::parse_event_t;
  const auto on_event = [&](int depth, Event event, nlohmann::json& value) {
    const bool opens = event == Event::array_start || event == Event::object_start;
    if (opens && depth >= k_json_depth_max) too_deep = true;
    if (event == Event::key && depth == 1) key = value.get_ref<const std::string&>();
    const bool ends = event == Event::array_end || event == Event::object_end;
    return !too_deep && (!ends || depth == 0 || keep(depth, key, value));
  };
  nlohmann::json json = nlohmann::json::parse(text, on_event, /*allow_exceptions=*/false);
  if (too_deep) return fail(ErrorCode::LimitExceeded, "JSON is nested too deeply");
  if (json.is_discarded()) return fail(ErrorCode::InvalidInput, "not valid JSON");
  return Document{std::move(json)};
}

bool operator==(const Document& left, const Document& right) {
  return left.json_ == right.json_ || *left.json_ == *right.json_;
}

}  // namespace ray_gitops
