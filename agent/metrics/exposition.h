#pragma once
// The answer to a scrape, in Prometheus' text format 0.0.4. Names begin with ray_gitops_, but for
// process_*, which have the names that every Prometheus client gives them. docs/metrics.md lists
// all of them. No label holds the name of an object, so that there are few time series.

#include <string>

#include "agent/engine/summary.h"
#include "agent/metrics/process.h"
#include "agent/metrics/recorder.h"

namespace ray_gitops::metrics {

inline constexpr const char* k_content_type = "text/plain; version=0.0.4; charset=utf-8";

struct Identity {
  std::string agent_id;
  std::string version;
};

std::string render_metrics(const Identity& identity, const engine::Summary& summary,
                           const Recorder& recorder, const ProcessFacts& process);

}  // namespace ray_gitops::metrics
