#include "reconcilers/declaration/yaml_reader.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "reconcilers/declaration/findings.h"
#include "reconcilers/declaration/yaml_scalar.h"

namespace ray_gitops {
namespace {

constexpr const char* k_string_tag = "tag:yaml.org,2002:str";
constexpr std::size_t k_written_text_max = 64;

// Builds the tree from the parser's events. After a failure that makes the rest meaningless it
// ignores what still comes (the parser cannot be stopped but by an exception).
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const YamlText& text, const std::string& path)
      : line_offset_(text.line), findings_(nullptr, {{}, path, text.line}) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add_scalar(mark, "?", anchor, "");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    add_scalar(mark, tag, anchor, text);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override { add_alias(mark, anchor); }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, "tag:yaml.org,2002:seq", anchor, nlohmann::json::array());
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, "tag:yaml.org,2002:map", anchor, nlohmann::json::object());
  }
  void OnMapEnd() override { close(); }

  void refuse_syntax(const YAML::Mark& mark, const std::string& why) {
    const Position position = mark.is_null() ? Position{line_offset_, 1} : position_of(mark);
    fail(Rule::YamlSyntax, position, "not well-formed YAML: " + why,
         "correct the text at or shortly before this place");
  }

  bool failed() const { return failed_; }
  YamlDocument take() &&;

 private:
  // A value with what it counts against the budgets.
  struct Value {
    nlohmann::json json;
    std::shared_ptr<SourceNode> source;
    std::size_t nodes = 1;
    std::size_t text_bytes = 0;
  };
  struct Frame {
    Value value;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::optional<std::string> key;  // a mapping's key that waits for its value
    Position key_position;
  };

  Position position_of(const YAML::Mark& mark) const {
    return {mark.line + line_offset_, mark.column + 1};
  }
  void fail(Rule rule, Position position, std::string found, std::string write) {
    if (!failed_)
      findings_.add(
          findings_.make(Severity::Error, rule, position, std::move(found), std::move(write)));
    failed_ = true;
  }
  void refuse(Rule rule, Position position, std::string found, std::string write) {
    findings_.add(
        findings_.make(Severity::Error, rule, position, std::move(found), std::move(write)));
  }

  bool key_is_expected() const {
    return !frames_.empty() && frames_.back().value.json.is_object() && !frames_.back().key;
  }
  void add_scalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text);
  void add_key(Position position, const std::string& tag, const std::string& text);
  nlohmann::json typed(Position position, const std::string& tag, const std::string& text);
  void add_alias(const YAML::Mark& mark, YAML::anchor_t anchor);
  void open(const YAML::Mark& mark, const std::string& tag, const char* core_tag,
            YAML::anchor_t anchor, nlohmann::json empty);
  void close();
  void finish(Value value, YAML::anchor_t anchor, Position position);
  bool spend(const Value& value, Position position);
  void attach(Value value, Position position);
  void attach_member(Frame& parent, Value value);

  int line_offset_;
  Findings findings_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Value> anchors_;
  std::optional<Value> root_;
  std::size_t nodes_ = 0;
  std::size_t text_bytes_ = 0;
  std::size_t aliases_ = 0;
  bool identity_clear_ = true;
  bool failed_ = false;
};

void TreeBuilder::add_scalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                             const std::string& text) {
  if (failed_) return;
  const Position position = position_of(mark);
  if (key_is_expected() && anchor == YAML::NullAnchor) return add_key(position, tag, text);
  if (key_is_expected())
    return fail(Rule::YamlKey, position, "a key with an anchor", "write the key alone");
  Value value{typed(position, tag, text), std::make_shared<SourceNode>(), 1, text.size()};
  value.source->start = position;
  if (!value.json.is_string()) value.source->text = text.substr(0, k_written_text_max);
  if (spend(value, position)) finish(std::move(value), anchor, position);
}

void TreeBuilder::add_key(Position position, const std::string& tag, const std::string& text) {
  if (tag == "?" && text == "<<")
    return fail(Rule::YamlMergeKey, position, "a merge key (<<)",
                "write the fields out, or use a plain alias for a whole value");
  if (tag == "?" && parse_plain_scalar(text) == nlohmann::json())
    return fail(Rule::YamlKey, position, "a mapping entry without a key", "write a key before `:`");
  static_cast<void>(typed(position, tag == "!" ? tag : k_string_tag, text));
  Frame& frame = frames_.back();
  text_bytes_ += text.size();
  frame.key = text;
  frame.key_position = position;
}

nlohmann::json TreeBuilder::typed(Position position, const std::string& tag,
                                  const std::string& text) {
  if (tag == "!" || tag == k_string_tag) return text;
  if (tag != "?") {
    refuse(Rule::YamlTag, position, "a value with a tag (!...)",
           "write the value without a tag, in quotes when it is a string that begins with !");
    return text;
  }
  std::optional<nlohmann::json> json = parse_plain_scalar(text);
  if (json) return *std::move(json);
  refuse(Rule::YamlNumber, position, "a number that is not finite or does not fit into 64 bits",
         "write a smaller number, or put it in quotes when it is a string");
  return text;
}

void TreeBuilder::add_alias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (failed_) return;
  const Position position = position_of(mark);
  if (key_is_expected())
    return fail(Rule::YamlKey, position, "an alias as a key", "write the key out");
  if (++aliases_ > k_yaml_aliases_max)
    return fail(Rule::YamlBudgetExceeded, position,
                "more than " + std::to_string(k_yaml_aliases_max) + " aliases",
                "write the values out, or split the document");
  const auto known = anchors_.find(anchor);
  if (known == anchors_.end())
    return fail(Rule::YamlSyntax, position, "an alias inside of what it stands for",
                "write the value out");
  if (spend(known->second, position)) attach(known->second, position);
}

void TreeBuilder::open(const YAML::Mark& mark, const std::string& tag, const char* core_tag,
                       YAML::anchor_t anchor, nlohmann::json empty) {
  if (failed_) return;
  const Position position = position_of(mark);
  if (key_is_expected())
    return fail(Rule::YamlKey, position, "a key that is a mapping or a list",
                "write a string as the key");
  if (frames_.size() >= k_yaml_depth_max)
    return fail(Rule::YamlBudgetExceeded, position,
                "nested more than " + std::to_string(k_yaml_depth_max) + " deep",
                "write it flatter");
  if (tag != "?" && tag != "!" && !tag.empty() && tag != core_tag)
    refuse(Rule::YamlTag, position, "a value with a tag (!...)", "write the value without a tag");
  Frame frame{{std::move(empty), std::make_shared<SourceNode>(), 1, 0}, anchor, {}, {}};
  frame.value.source->start = position;
  if (spend(frame.value, position)) frames_.push_back(std::move(frame));
}

void TreeBuilder::close() {
  if (failed_) return;
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  const Position position = frame.value.source->start;
  finish(std::move(frame.value), frame.anchor, position);
}

void TreeBuilder::finish(Value value, YAML::anchor_t anchor, Position position) {
  if (anchor != YAML::NullAnchor) anchors_[anchor] = value;
  attach(std::move(value), position);
}

bool TreeBuilder::spend(const Value& value, Position position) {
  nodes_ += value.nodes;
  text_bytes_ += value.text_bytes;
  if (nodes_ <= k_yaml_nodes_max && text_bytes_ <= k_yaml_text_bytes_max) return true;
  fail(Rule::YamlBudgetExceeded, position,
       "more than " + std::to_string(k_yaml_nodes_max) + " values or " +
           std::to_string(k_yaml_text_bytes_max) + " bytes of text, aliases expanded",
       "split the document, and use fewer aliases");
  return false;
}

void TreeBuilder::attach(Value value, Position position) {
  if (frames_.empty()) {
    if (root_)
      return fail(Rule::YamlSyntax, position, "a second document without a --- line before it",
                  "write --- on a line of its own between documents");
    root_ = std::move(value);
    return;
  }
  Frame& parent = frames_.back();
  parent.value.nodes += value.nodes;
  parent.value.text_bytes += value.text_bytes;
  if (parent.value.json.is_object()) return attach_member(parent, std::move(value));
  parent.value.json.push_back(std::move(value.json));
  parent.value.source->items.push_back(std::move(value.source));
}

void TreeBuilder::attach_member(Frame& parent, Value value) {
  const std::string key = *std::exchange(parent.key, std::nullopt);
  const auto [place, is_new] = parent.value.source->members.try_emplace(
      key, SourceMember{parent.key_position, value.source});
  if (is_new) {
    parent.value.json[key] = std::move(value.json);
    return;
  }
  const bool in_root = frames_.size() == 1;
  const bool in_metadata = frames_.size() == 2 && frames_.front().key == "metadata";
  if (in_root || in_metadata) identity_clear_ = false;
  const Position& first = place->second.key;
  refuse(Rule::DuplicateKey, parent.key_position,
         "the key `" + printable(key, 128) + "` stands here again; it stands first at line " +
             std::to_string(first.line) + ", column " + std::to_string(first.column),
         "keep one of the two");
}

YamlDocument TreeBuilder::take() && {
  if (!root_ && frames_.empty())
    fail(Rule::YamlSyntax, {line_offset_, 1}, "text that holds no value", "write a mapping");
  YamlDocument document;
  document.complete = !failed_ && frames_.empty() && root_.has_value();
  document.identity_clear = identity_clear_;
  document.diagnostics = findings_.all();
  if (!root_ && !frames_.empty()) root_ = std::move(frames_.front().value);
  if (!root_) root_ = Value{nullptr, std::make_shared<SourceNode>(), 1, 0};
  document.line = std::max(root_->source->start.line, line_offset_);
  document.root = std::move(root_->json);
  document.source = std::move(root_->source);
  return document;
}

// The parser's own words, without the part of the text that some of them quote.
std::string without_quotation(const std::string& message) {
  return message.substr(0, message.find(": "));
}

// The one place where exceptions of the YAML library are met.
void parse_all(const YamlText& text, TreeBuilder& builder) {
  std::istringstream stream{std::string(text.bytes)};
  try {
    YAML::Parser parser(stream);
    // Some broken texts are an endless row of empty documents to it; the second one is a failure.
    while (!builder.failed() && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::ParserException& error) {
    builder.refuse_syntax(error.mark, without_quotation(error.msg));
  } catch (const std::exception&) {
    builder.refuse_syntax(YAML::Mark::null_mark(), "the text cannot be parsed");
  }
}

}  // namespace

YamlDocument read_yaml(const YamlText& text, const std::string& path) {
  TreeBuilder builder(text, path);
  parse_all(text, builder);
  return std::move(builder).take();
}

}  // namespace ray_gitops
