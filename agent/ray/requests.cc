#include "agent/ray/requests.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <nlohmann/json.hpp>

#include "reconcilers/manifest/compression.h"
#include "reconcilers/manifest/json_members.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/model/diagnostic.h"
#include "reconcilers/model/document.h"

namespace ray_gitops::ray {
namespace {

constexpr std::size_t k_message_bytes_max = 300;
constexpr std::size_t k_token_bytes_max = 4'096;

bool is_address(int family, const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(family, host.c_str(), bytes.data()) == 1;
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

// One part of a path (RFC 3986, unreserved characters stand for themselves).
std::string percent_encoded(const std::string& text) {
  constexpr std::string_view k_digits = "0123456789ABCDEF";
  constexpr std::string_view k_unreserved_marks = "-._~";
  std::string encoded;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool is_unreserved =
        byte < 0x80 &&
        (std::isalnum(byte) != 0 || k_unreserved_marks.find(letter) != std::string::npos);
    if (is_unreserved)
      encoded += letter;
    else
      encoded.append({'%', k_digits[byte >> 4U], k_digits[byte & 0xFU]});
  }
  return encoded;
}

const char* method_of(RayVerb verb) {
  if (verb == RayVerb::SubmitJob || verb == RayVerb::StopJob) return "POST";
  return verb == RayVerb::PutServe ? "PUT" : "GET";
}

std::string target_of(const RayRequest& request) {
  std::string jobs = "/api/jobs/";
  switch (request.verb) {
    case RayVerb::GetVersion:
      return "/api/version";
    case RayVerb::GetJob:
      return jobs + percent_encoded(request.submission_id);
    case RayVerb::SubmitJob:
      return jobs;
    case RayVerb::StopJob:
      return jobs + percent_encoded(request.submission_id) + "/stop";
    case RayVerb::GetServe:
      return "/api/serve/applications/?api_type=declarative";
    case RayVerb::PutServe:
      return "/api/serve/applications/";
  }
  return jobs;
}

// Lower-case letters, digits, '-' and '.': nothing that would end a part of a path.
bool is_name(const std::string& name) {
  return !name.empty() && name.find("..") == std::string::npos &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string::npos;
}

tl::unexpected<Error> no_token(std::string why) {
  return fail(ErrorCode::Unauthenticated, std::move(why));
}

std::string trimmed(const std::string& text) {
  constexpr const char* k_space = " \t\r\n";
  const std::size_t first = text.find_first_not_of(k_space);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(k_space) - first + 1);
}

HttpRequest render_to(const std::string& origin, const RayRequest& request) {
  HttpRequest rendered;
  rendered.url = origin + target_of(request);
  rendered.headers["Accept"] = "application/json";
  rendered.method = method_of(request.verb);
  if (request.verb != RayVerb::SubmitJob && request.verb != RayVerb::PutServe) return rendered;
  rendered.headers["Content-Type"] = "application/json";
  rendered.body = request.body.canonical();
  return rendered;
}

}  // namespace

Result<std::string> render_origin(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon != std::string::npos && is_port(std::string_view(address).substr(colon + 1))) {
    const std::string host = address.substr(0, colon);
    const std::string port = address.substr(colon);
    // A null byte would end the text that inet_pton sees.
    const bool is_whole = host.find('\0') == std::string::npos;
    if (is_whole && is_address(AF_INET, host)) return "http://" + host + port;
    if (is_whole && is_address(AF_INET6, host)) return "http://[" + host + "]" + port;
  }
  return fail(ErrorCode::InvalidInput, "is not the address of a Ray head", printable(address));
}

Result<HttpRequest> render_request(const RayRequest& request) {
  return render_to(TRY(render_origin(request.address)), request);
}

Result<HttpRequest> render_proxied_request(const RayRequest& request) {
  TRY(render_origin(request.address));
  const ResourceKey& pod = request.head_pod;
  if (!is_name(pod.ns) || !is_name(pod.name))
    return fail(ErrorCode::InvalidInput, "is not the pod of a Ray head", printable(to_string(pod)));
  const std::string port = request.address.substr(request.address.rfind(':'));
  return render_to("/api/v1/namespaces/" + pod.ns + "/pods/" + pod.name + port + "/proxy", request);
}

Result<HttpRequest> render_token_read(const ResourceKey& secret) {
  if (!is_name(secret.ns) || !is_name(secret.name))
    return fail(ErrorCode::InvalidInput, "is not the name of a Secret",
                printable(to_string(secret)));
  HttpRequest request;
  request.url = "/api/v1/namespaces/" + secret.ns + "/secrets/" + secret.name;
  return request;
}

Result<std::string> parse_token(const HttpResponse& response) {
  if (response.status == 404) return no_token("it does not exist");
  if (response.status == 403) return no_token("the agent may not read it");
  if (response.status != 200)
    return no_token("the API server answered with status " + std::to_string(response.status));
  const Result<Document> secret = Document::parse(response.body);
  if (!secret) return no_token("the API server's answer is no JSON");
  const nlohmann::json& value = member(secret->json(), "data", k_token_key);
  if (!value.is_string()) return no_token(std::string("it has no key ") + k_token_key);
  const Result<std::string> bytes = base64_decode(value.get_ref<const std::string&>());
  std::string token = bytes ? trimmed(*bytes) : std::string{};
  // It goes into a header (RFC 9110, 5.5), which it must not end.
  const bool is_token = !token.empty() && token.size() <= k_token_bytes_max &&
                        std::all_of(token.begin(), token.end(),
                                    [](char letter) { return letter >= '!' && letter <= '~'; });
  if (!is_token)
    return no_token(std::string("its ") + k_token_key + " is no line of visible ASCII characters");
  return token;
}

std::string proxy_failure(const HttpResponse& response) {
  if (response.status >= 200 && response.status <= 299) return {};
  const Result<Document> body = Document::parse(response.body);
  if (!body || text_of(member(body->json(), "kind")) != "Status" ||
      text_of(member(body->json(), "apiVersion")) != "v1")
    return {};
  const std::string message = text_of(member(body->json(), "message"));
  return "the API server says " + std::to_string(response.status) + ": " +
         printable(message, k_message_bytes_max);
}

}  // namespace ray_gitops::ray
