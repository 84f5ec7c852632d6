#include "reconcilers/model/document.h"

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
  bool too_deep = false;
  using Event = nlohmann::json::parse_event_t;
  const auto limit_depth = [&too_deep](int depth, Event event, nlohmann::json&) {
    const bool opens = event == Event::array_start || event == Event::object_start;
    if (opens && depth >= k_json_depth_max) too_deep = true;
    return !too_deep;
  };
  nlohmann::json json = nlohmann::json::parse(text, limit_depth, /*allow_exceptions=*/false);
  if (too_deep) return fail(ErrorCode::LimitExceeded, "JSON is nested too deeply");
  if (json.is_discarded()) return fail(ErrorCode::InvalidInput, "not valid JSON");
  return Document{std::move(json)};
}

bool operator==(const Document& left, const Document& right) {
  return left.json_ == right.json_ || *left.json_ == *right.json_;
}

}  // namespace ray_gitops
