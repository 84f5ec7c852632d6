#include "reconcilers/declaration/format_check.h"

#include <cstddef>
#include <string>

#include "reconcilers/declaration/syntax.h"

namespace ray_gitops {
namespace {

constexpr std::size_t k_shown_max = 64;

std::string quoted(const std::string& text) { return "`" + printable(text, k_shown_max) + "`"; }

void check_quantity(const SchemaVisit& visit, Findings& findings) {
  if (!visit.value.is_string() || is_quantity(visit.value.get_ref<const std::string&>())) return;
  findings.error(Rule::QuantitySyntax, visit.path,
                 dotted(visit.path) + " is " + quoted(visit.value.get<std::string>()),
                 "write a number with a suffix such as m, k, M, G, Ki, Mi or Gi: 500m, 2, 4Gi");
}

void check_labels(const SchemaVisit& visit, Findings& findings) {
  if (!visit.value.is_object()) return;
  for (const auto& [key, value] : visit.value.items()) {
    if (!is_qualified_name(key))
      findings.error_at_key(Rule::LabelSyntax, visit.path / key, "the label key " + quoted(key),
                            "write at most 63 letters, digits, - _ and ., after an optional DNS "
                            "name and /");
    if (value.is_string() && !is_label_value(value.get_ref<const std::string&>()))
      findings.error(Rule::LabelSyntax, visit.path / key,
                     "the label value " + quoted(value.get<std::string>()),
                     "write at most 63 letters, digits, - _ and ., with a letter or digit at both "
                     "ends");
  }
}

void check_annotations(const SchemaVisit& visit, Findings& findings) {
  if (!visit.value.is_object()) return;
  std::size_t bytes = 0;
  for (const auto& [key, value] : visit.value.items()) {
    bytes += key.size();
    if (value.is_string()) bytes += value.get_ref<const std::string&>().size();
    if (!is_qualified_name(key))
      findings.error_at_key(Rule::AnnotationSyntax, visit.path / key,
                            "the annotation key " + quoted(key),
                            "write at most 63 letters, digits, - _ and ., after an optional DNS "
                            "name and /");
  }
  if (bytes > k_annotations_bytes_max)
    findings.error(Rule::AnnotationSyntax, visit.path,
                   dotted(visit.path) + " has " + std::to_string(bytes) + " bytes",
                   "write at most " + std::to_string(k_annotations_bytes_max));
}

void check_base64(const SchemaVisit& visit, Findings& findings) {
  if (!visit.value.is_string() || is_base64(visit.value.get_ref<const std::string&>())) return;
  findings.error(Rule::Base64Syntax, visit.path, dotted(visit.path) + " is not base64",
                 "encode it, or put plain text into stringData (Secret) or data (ConfigMap)");
}

void check_dns_label(const SchemaVisit& visit, Findings& findings) {
  if (!visit.value.is_string() || is_dns1123_label(visit.value.get_ref<const std::string&>()))
    return;
  findings.error(Rule::DnsLabelSyntax, visit.path,
                 dotted(visit.path) + " is " + quoted(visit.value.get<std::string>()),
                 "write at most 63 of a-z, 0-9 and -, with a letter or digit at both ends");
}

}  // namespace

void check_format(const SchemaVisit& visit, Findings& findings) {
  const auto format = visit.node.find("format");
  if (format == visit.node.end()) return;
  if (*format == "quantity") check_quantity(visit, findings);
  if (*format == "labels") check_labels(visit, findings);
  if (*format == "annotations") check_annotations(visit, findings);
  if (*format == "base64") check_base64(visit, findings);
  if (*format == "dns-label") check_dns_label(visit, findings);
}

}  // namespace ray_gitops
