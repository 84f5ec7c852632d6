#include <algorithm>
#include <map>
#include <utility>

#include "agent/review/report.h"

namespace ray_gitops::review {
namespace {

constexpr const char* k_green = "\x1b[32m";
constexpr const char* k_yellow = "\x1b[33m";
constexpr const char* k_red = "\x1b[31m";
constexpr const char* k_plain = "\x1b[0m";

std::string counted(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string short_commit(const std::string& commit) { return printable(commit.substr(0, 7)); }

bool needs_somebody(Phase phase) {
  return phase == Phase::Blocked || phase == Phase::Held || phase == Phase::Failed ||
         phase == Phase::Degraded;
}

// "+ " and its colour.
struct Mark {
  const char* sign;
  const char* colour;
};

Mark mark_of(const ObjectPlan& plan) {
  switch (plan.change) {
    case Change::Create:
      return {"+ ", k_green};
    case Change::Change:
      return {"~ ", k_yellow};
    case Change::Delete:
      return {"- ", k_red};
    case Change::None:
      break;
  }
  return {"! ", k_red};
}

std::size_t& count_of(Summary& summary, Change change) {
  switch (change) {
    case Change::Create:
      return summary.creates;
    case Change::Change:
      return summary.changes;
    case Change::Delete:
      return summary.deletes;
    case Change::None:
      break;
  }
  return summary.unchanged;
}

void count_request(Summary& summary, const RayRequest* request) {
  if (request == nullptr) return;
  summary.submitted += request->verb == RayVerb::SubmitJob ? 1 : 0;
  summary.stopped += request->verb == RayVerb::StopJob ? 1 : 0;
  summary.served += request->verb == RayVerb::PutServe ? 1 : 0;
}

class TextReport {
 public:
  TextReport(const Report& report, bool colour) : report_(report), colour_(colour) {}

  std::string render() {
    heading();
    problems();
    diagnostics();
    for (const ObjectPlan& plan : report_.objects) object(plan);
    unchanged();
    last_line();
    return std::move(text_);
  }

 private:
  void line(const std::string& text) { text_ += printable(text, k_line_bytes_max) + "\n"; }

  void heading() {
    std::string text = report_.agent_id + ": plan of " + report_.subject;
    if (!report_.commit.empty()) text += " at commit " + short_commit(report_.commit);
    if (report_.accepted_commit.empty())
      text += "; no commit was acted on before";
    else if (report_.accepted_commit != report_.commit)
      text += "; commit " + short_commit(report_.accepted_commit) + " is acted on now";
    line(text);
  }

  void problems() {
    if (!report_.problem.empty()) line("No new commit can be acted on: " + report_.problem);
    if (!report_.hold_id.empty()) line("Held (" + report_.hold_id + "): " + report_.hold_message);
    for (const std::string& unseen : report_.unseen)
      line("Not seen: " + unseen + "; what depends on it is not in this plan");
    if (!report_.complete) line("The plan is cut off: more would be done than is looked ahead for");
  }

  void diagnostics() {
    if (report_.diagnostics.empty()) return;
    line(counted(report_.diagnostics.size(), "diagnostic") + ":");
    for (const Diagnostic& diagnostic : report_.diagnostics)
      line(std::string("  ") + (diagnostic.severity == Severity::Error ? "" : "warning: ") +
           to_string(diagnostic));
  }

  void object(const ObjectPlan& plan) {
    const bool changes = plan.change != Change::None;
    if (!changes && !needs_somebody(plan.left_in)) return;
    title(plan);
    Plan shown;
    shown.phase = changes ? plan.now.phase : plan.left_in;
    shown.reason = changes ? plan.now.reason : plan.left_reason;
    shown.message = changes ? plan.now.message : plan.left_message;
    const bool is_above = !report_.hold_id.empty() && shown.message == report_.hold_message;
    if (!changes && is_above) shown.message = "see above";
    indented(ray_gitops::render(shown));
    const std::size_t count = std::min(plan.deeds.size(), k_deeds_shown_max);
    for (std::size_t index = 0; index < count; ++index) deed(plan.deeds[index]);
    if (plan.deeds.size() > count)
      line("    and " + std::to_string(plan.deeds.size() - count) + " more");
    if (changes) outcome(plan);
  }

  void deed(const Deed& deed) {
    Plan one;
    if (const auto* action = std::get_if<Action>(&deed))
      one.actions.push_back(*action);
    else
      one.ray_requests.push_back(std::get<RayRequest>(deed));
    const std::string text = ray_gitops::render(one);
    indented(text.substr(text.find('\n') + 1));
  }

  void title(const ObjectPlan& plan) {
    const auto [sign, colour] = mark_of(plan);
    std::string place = plan.now.declared.path;
    if (!place.empty() && plan.now.declared.line > 0)
      place += ":" + std::to_string(plan.now.declared.line);
    text_ += "\n";
    if (colour_) text_ += colour;
    text_ += sign + printable(to_string(plan.now.key));
    if (colour_) text_ += k_plain;
    text_ += place.empty() ? "" : " (" + printable(place) + ")";
    text_ += "\n";
  }

  void indented(const std::string& lines) {
    std::size_t begin = 0;
    while (begin < lines.size()) {
      const std::size_t end = lines.find('\n', begin);
      line("  " + lines.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  void outcome(const ObjectPlan& plan) {
    if (plan.change == Change::Delete) return line("  then it is gone");
    line(std::string("  then ") + ray_gitops::name_of(plan.left_in) + " " + plan.left_reason +
         ": " + plan.left_message);
  }

  void unchanged() {
    std::map<Phase, std::size_t> phases;
    std::size_t count = 0;
    for (const ObjectPlan& plan : report_.objects) {
      if (plan.change != Change::None || needs_somebody(plan.left_in)) continue;
      ++phases[plan.left_in];
      ++count;
    }
    if (count == 0) return;
    std::string text = counted(count, "object") + " unchanged: ";
    const char* separator = "";
    for (const auto& [phase, of_phase] : phases) {
      text += separator + std::to_string(of_phase) + " " + ray_gitops::name_of(phase);
      separator = ", ";
    }
    text_ += "\n";
    line(text);
  }

  void last_line() {
    const Summary sum = summarise(report_);
    std::string text = std::to_string(sum.creates) + " to create, " + std::to_string(sum.changes) +
                       " to change, " + std::to_string(sum.deletes) + " to delete, " +
                       counted(sum.restarts, "restart");
    if (sum.submitted > 0) text += ", " + counted(sum.submitted, "job") + " to submit";
    if (sum.stopped > 0) text += ", " + counted(sum.stopped, "job") + " to stop";
    if (sum.served > 0) text += ", " + counted(sum.served, "Serve configuration") + " to put";
    if (!has_changes(report_)) text = "nothing to do";
    if (sum.errors > 0) text += "; " + counted(sum.errors, "error");
    if (!report_.hold_id.empty()) text += "; held: " + report_.hold_id;
    text_ += "\n";
    line(text);
  }

  static constexpr std::size_t k_line_bytes_max = 2048;

  const Report& report_;
  bool colour_;
  std::string text_;
};

}  // namespace

const char* name_of(Change change) {
  switch (change) {
    case Change::None:
      return "none";
    case Change::Create:
      return "create";
    case Change::Change:
      return "change";
    case Change::Delete:
      return "delete";
  }
  return "none";
}

Summary summarise(const Report& report) {
  Summary summary;
  for (const ObjectPlan& plan : report.objects) {
    ++count_of(summary, plan.change);
    summary.restarts += plan.restarts;
    for (const Deed& deed : plan.deeds) count_request(summary, std::get_if<RayRequest>(&deed));
  }
  summary.errors = static_cast<std::size_t>(
      std::count_if(report.diagnostics.begin(), report.diagnostics.end(),
                    [](const auto& each) { return each.severity == Severity::Error; }));
  return summary;
}

bool has_problems(const Report& report) {
  const bool is_stopped =
      std::any_of(report.objects.begin(), report.objects.end(), [](const ObjectPlan& plan) {
        return plan.left_in == Phase::Blocked || plan.left_in == Phase::Held;
      });
  return !report.problem.empty() || !report.hold_id.empty() || !report.complete || is_stopped ||
         summarise(report).errors > 0;
}

bool has_changes(const Report& report) {
  return std::any_of(report.objects.begin(), report.objects.end(),
                     [](const ObjectPlan& plan) { return plan.change != Change::None; });
}

std::string render_text(const Report& report, bool colour) {
  return TextReport(report, colour).render();
}

}  // namespace ray_gitops::review
