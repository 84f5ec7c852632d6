#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/kubernetes/requests.h"
#include "reconcilers/manifest/json_members.h"
#include "reconcilers/manifest/view.h"
#include "reconcilers/model/diagnostic.h"
#include "reconcilers/model/document.h"

namespace ray_gitops::kubernetes {
namespace {

using Json = nlohmann::json;

// kube-apiserver answers 500 to a server-side apply whose body does not fit the schema.
constexpr const char* k_schema_mismatch = "failed to create typed patch object";

bool is_status(const Json& json) { return member(json, "kind") == "Status"; }

// kube-apiserver takes an apply with the uid of an object that is gone for a try to change the uid
// of the one that has its name now.
bool is_about_another_object(const Json& status) {
  const Json& causes = member(status, "details", "causes");
  return causes.is_array() && std::any_of(causes.begin(), causes.end(), [](const Json& cause) {
           return text_of(member(cause, "field")) == "metadata.uid";
         });
}

// A resource version that the server has not reached, and may never reach: it serves a past of the
// cluster (storage.NewTooLargeResourceVersionError of k8s.io/apiserver).
bool is_about_the_future(const Json& status) {
  const Json& causes = member(status, "details", "causes");
  return causes.is_array() && std::any_of(causes.begin(), causes.end(), [](const Json& cause) {
           return text_of(member(cause, "reason")) == "ResourceVersionTooLarge";
         });
}

// Reasons of k8s.io/apimachinery metav1.StatusReason. Codes alone are not enough: both kinds of 409
// differ, and a 404 without one is some other server's, or a path that this server does not have.
ErrorCode code_of(int http_status, const std::string& reason, const std::string& message) {
  switch (http_status) {
    case 401:
      return ErrorCode::Unauthenticated;
    case 403:
      return ErrorCode::Forbidden;
    case 404:
      return reason == "NotFound" ? ErrorCode::NotFound : ErrorCode::Unavailable;
    case 409:
      return reason == "AlreadyExists" ? ErrorCode::AlreadyExists : ErrorCode::Conflict;
    case 410:
      return ErrorCode::Expired;
    case 429:
      return ErrorCode::TooManyRequests;
    default:
      break;
  }
  if (message.find(k_schema_mismatch) != std::string::npos) return ErrorCode::Rejected;
  return http_status >= 400 && http_status <= 499 ? ErrorCode::Rejected : ErrorCode::Unavailable;
}

std::string shown_message(const Json& status, int http_status, ResourceType type) {
  const std::string message = text_of(member(status, "message"));
  const std::string reason = text_of(member(status, "reason"));
  if (type == ResourceType::Secret || message.empty())
    return "the server answers " + std::to_string(http_status) +
           (reason.empty() ? "" : " " + printable(reason));
  return printable(message);
}

Error error_of(const Json& status, int http_status, ResourceType type) {
  const auto code = [&] {
    if (is_about_another_object(status)) return ErrorCode::Conflict;
    if (is_about_the_future(status)) return ErrorCode::Expired;
    return code_of(http_status, text_of(member(status, "reason")),
                   text_of(member(status, "message")));
  };
  return {code(), shown_message(status, http_status, type), {}};
}

// A 2xx whose body is not what it should be: something happened, we do not know what.
Result<Document> parse_body(const HttpResponse& response) {
  auto document = Document::parse(response.body);
  if (!document) return fail(ErrorCode::Unavailable, "the answer is " + document.error().message);
  return document;
}

Result<ResourceView> parse_known(ResourceType type, const Json& object) {
  auto view = parse_view(type, object);
  if (!view) return fail(ErrorCode::Unavailable, view.error().message, view.error().where);
  return view;
}

// A page as JSON is several times as large as its text, and views are a hundredth of that: each
// item becomes a view as soon as it is read, and is then dropped.
class ItemReader {
 public:
  explicit ItemReader(ResourceType type) : type_(type) {}

  // The list without the items that are objects.
  Result<Document> read(std::string_view text) {
    return Document::parse(text, [this](int depth, const std::string& key, const Json& value) {
      constexpr int k_item_depth = 2;
      if (depth != k_item_depth || key != "items" || !value.is_object()) return true;
      if (!problem_) take_item(value);
      return false;
    });
  }
  Result<std::vector<ResourceView>> take() {
    if (problem_) return tl::unexpected<Error>(*problem_);
    return std::move(views_);
  }

 private:
  void take_item(const Json& item) {
    auto view = parse_known(type_, item);
    if (view)
      views_.push_back(std::move(*view));
    else
      problem_ = std::move(view.error());
  }

  ResourceType type_;
  std::vector<ResourceView> views_;
  std::optional<Error> problem_;
};

}  // namespace

Error parse_error(const HttpResponse& response, ResourceType type) {
  const auto document = Document::parse(response.body);
  const Json nothing;
  const bool readable = document && is_status(document->json());
  return error_of(readable ? document->json() : nothing, response.status, type);
}

Error parse_status(const nlohmann::json& status, ResourceType type) {
  const std::int64_t code = integer_of(member(status, "code"));
  return error_of(status, code >= 400 && code <= 599 ? static_cast<int>(code) : 500, type);
}

Result<ResourceView> parse_object(const HttpResponse& response, ResourceType type) {
  const Document document = TRY(parse_body(response));
  return parse_known(type, document.json());
}

Result<std::optional<ResourceView>> parse_delete_answer(const HttpResponse& response,
                                                        ResourceType type) {
  const Document document = TRY(parse_body(response));
  if (is_status(document.json())) return std::optional<ResourceView>{};
  return std::optional{TRY(parse_known(type, document.json()))};
}

Result<ListPage> parse_list_page(const HttpResponse& response, ResourceType type) {
  ItemReader reader(type);
  const auto document = reader.read(response.body);
  if (!document) return fail(ErrorCode::Unavailable, "the answer is " + document.error().message);
  const Json& list = document->json();
  ListPage page;
  page.resource_version = text_of(member(list, "metadata", "resourceVersion"));
  page.continue_token = text_of(member(list, "metadata", "continue"));
  if (member(list, "kind") != std::string{kind_of(type)} + "List" || page.resource_version.empty())
    return fail(ErrorCode::Unavailable, std::string{"the answer is no list of "} + plural_of(type));
  const Json& items = member(list, "items");
  // Objects are not among them any more: what is left is none.
  if (!items.is_null() && !(items.is_array() && items.empty()))
    return fail(ErrorCode::Unavailable, "the list's items are no array of objects");
  page.objects = TRY(reader.take());
  return page;
}

std::optional<Duration> parse_retry_after(const HttpResponse& response) {
  const auto found = response.headers.find("retry-after");
  if (found == response.headers.end()) return std::nullopt;
  const std::string& text = found->second;
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  constexpr std::int64_t k_seconds_max = k_retry_after_max.count() / 1000;
  return std::chrono::seconds{std::min(seconds, k_seconds_max)};
}

}  // namespace ray_gitops::kubernetes
