#include "agent/metrics/exposition.h"

#include <limits>
#include <sstream>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace ray_gitops::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;
using Families = std::vector<MetricFamily>;

MetricFamily family(const char* name, const char* help, MetricType type) {
  return {name, help, type, {}};
}

MetricFamily gauges(const char* name, const char* help) {
  return family(name, help, MetricType::Gauge);
}

MetricFamily counters(const char* name, const char* help) {
  return family(name, help, MetricType::Counter);
}

template <class Number>
void add(MetricFamily& family, Number value, Labels labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (family.type == MetricType::Counter)
    metric.counter.value = static_cast<double>(value);
  else
    metric.gauge.value = static_cast<double>(value);
  family.metric.push_back(std::move(metric));
}

template <class Number>
MetricFamily one(MetricFamily family, Number value, Labels labels = {}) {
  add(family, value, std::move(labels));
  return family;
}

ClientMetric histogram_of(const Latencies& latencies, Labels labels) {
  ClientMetric metric;
  metric.label = std::move(labels);
  for (std::size_t index = 0; index < latencies.counts.size(); ++index) {
    metric.histogram.sample_count += latencies.counts[index];
    const double bound = index < k_latency_bounds.size() ? k_latency_bounds[index]
                                                         : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({metric.histogram.sample_count, bound});
  }
  metric.histogram.sample_sum = latencies.sum;
  return metric;
}

struct AnswerNames {
  const char* counts;
  const char* counts_help;
  const char* latencies;
  const char* latencies_help;
  const char* label;  // of what is asked
};

void add_answers(Families& families, const Answers& answers, const AnswerNames& names) {
  MetricFamily counts = counters(names.counts, names.counts_help);
  for (const auto& [key, count] : answers.counts) {
    const auto& [question, outcome] = key;
    Labels labels{{names.label, question.first}, {"outcome", outcome}};
    if (!question.second.empty()) labels.push_back({"type", question.second});
    add(counts, count, std::move(labels));
  }
  MetricFamily times = family(names.latencies, names.latencies_help, MetricType::Histogram);
  for (const auto& [question, latencies] : answers.latencies)
    times.metric.push_back(histogram_of(latencies, {{names.label, question}}));
  families.push_back(std::move(counts));
  families.push_back(std::move(times));
}

void add_agent(Families& families, const Identity& identity, const engine::Summary& summary) {
  families.push_back(one(gauges("ray_gitops_info", "Which agent this is; always 1."), 1,
                         {{"agent_id", identity.agent_id}, {"version", identity.version}}));
  families.push_back(one(gauges("ray_gitops_ready", "1 when /readyz answers 200."),
                         engine::is_ready(summary.readiness)));
  families.push_back(one(gauges("ray_gitops_lease_held", "1 when this agent is the one at work."),
                         summary.lease_held));
}

void add_source(Families& families, const engine::Summary& summary, const Recorder& recorder) {
  families.push_back(
      one(gauges("ray_gitops_source_readable", "1 when the last poll and fetch succeeded."),
          summary.is_source_readable));
  families.push_back(one(gauges("ray_gitops_commit_held", "1 when a guard holds a commit back."),
                         summary.is_commit_held));
  families.push_back(one(
      gauges("ray_gitops_diagnostics", "Errors and warnings in the files of the newest commit."),
      summary.diagnostics));
  if (const auto last = recorder.last_poll())
    families.push_back(one(gauges("ray_gitops_last_poll_timestamp_seconds",
                                  "When the repository last told its branches' tips."),
                           static_cast<double>(last->milliseconds) / 1e3));
}

void add_objects(Families& families, const engine::Summary& summary) {
  MetricFamily objects =
      gauges("ray_gitops_objects", "Declared objects, as the status branch shows them.");
  for (const auto& [key, count] : summary.objects)
    add(objects, count, {{"kind", name_of(key.first)}, {"phase", name_of(key.second)}});
  MetricFamily watched = gauges("ray_gitops_watched_objects", "Objects of ours in the cluster.");
  for (const auto& [type, count] : summary.watched) add(watched, count, {{"type", kind_of(type)}});
  MetricFamily reconciles = counters("ray_gitops_reconciles_total", "Plans made.");
  for (const auto& [kind, count] : summary.reconciles)
    add(reconciles, count, {{"kind", name_of(kind)}});
  families.push_back(std::move(objects));
  families.push_back(std::move(watched));
  families.push_back(std::move(reconciles));
}

void add_writes(Families& families, const engine::Summary& summary) {
  families.push_back(one(gauges("ray_gitops_writes_under_way", "Writes sent and not answered."),
                         summary.writes_under_way));
  families.push_back(one(gauges("ray_gitops_writes_unanswered",
                                "Objects that are unknown since a write had no answer."),
                         summary.writes_unanswered));
  families.push_back(
      one(gauges("ray_gitops_writes_refused", "Objects whose last write was refused."),
          summary.writes_refused));
}

void add_watches(Families& families, const Recorder& recorder) {
  MetricFamily ended = counters("ray_gitops_watches_ended_total",
                                "Watches that ended, to be begun again; the server ends each "
                                "after five minutes (Unavailable).");
  for (const auto& [key, count] : recorder.watches_ended())
    add(ended, count, {{"type", kind_of(key.first)}, {"outcome", key.second}});
  MetricFamily events = counters("ray_gitops_watch_events_total", "Changes that watches told.");
  for (const auto& [type, count] : recorder.watch_events())
    add(events, count, {{"type", kind_of(type)}});
  families.push_back(std::move(ended));
  families.push_back(std::move(events));
}

const char* name_of_level(engine::LogLevel level) {
  switch (level) {
    case engine::LogLevel::Debug:
      return "debug";
    case engine::LogLevel::Info:
      return "info";
    case engine::LogLevel::Warning:
      return "warning";
    case engine::LogLevel::Error:
      return "error";
  }
  return "error";
}

void add_log(Families& families, const Recorder& recorder) {
  MetricFamily records = counters("ray_gitops_log_records_total", "What the engine logged.");
  for (const auto& [level, count] : recorder.log_records())
    add(records, count, {{"level", name_of_level(level)}});
  families.push_back(std::move(records));
}

void add_process(Families& families, const ProcessFacts& process) {
  families.push_back(one(counters("process_cpu_seconds_total", "CPU time of the agent's process."),
                         process.cpu_seconds));
  families.push_back(one(counters("ray_gitops_children_cpu_seconds_total",
                                  "CPU time of Git children that have ended."),
                         process.children_cpu_seconds));
  families.push_back(
      one(gauges("process_resident_memory_bytes", "Resident memory."), process.resident_bytes));
  families.push_back(one(gauges("process_open_fds", "Open files."), process.open_files));
  families.push_back(one(gauges("process_start_time_seconds", "Start of the process, Unix time."),
                         process.start_time_seconds));
}

}  // namespace

std::string render_metrics(const Identity& identity, const engine::Summary& summary,
                           const Recorder& recorder, const ProcessFacts& process) {
  Families families;
  add_agent(families, identity, summary);
  add_source(families, summary, recorder);
  add_objects(families, summary);
  add_writes(families, summary);
  add_answers(
      families, recorder.api(),
      {"ray_gitops_api_requests_total", "Requests to the API server that were answered.",
       "ray_gitops_api_request_seconds", "Time to their answer, waiting included.", "verb"});
  add_watches(families, recorder);
  add_answers(families, recorder.git(),
              {"ray_gitops_git_operations_total", "Operations on the repository that ended.",
               "ray_gitops_git_operation_seconds", "Time to their end.", "operation"});
  add_answers(
      families, recorder.ray(),
      {"ray_gitops_ray_requests_total", "Requests to Ray heads that were answered.",
       "ray_gitops_ray_request_seconds", "Time to their answer, waiting included.", "verb"});
  add_log(families, recorder);
  add_process(families, process);
  std::ostringstream text;
  prometheus::TextSerializer{}.Serialize(text, families);
  return text.str();
}

}  // namespace ray_gitops::metrics
