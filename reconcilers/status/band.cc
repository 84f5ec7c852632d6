#include "reconcilers/status/band.h"

namespace ray_gitops::status {

Band band_of(Phase phase) {
  switch (phase) {
    case Phase::Failed:
    case Phase::Blocked:
    case Phase::Degraded:
    case Phase::Held:
      return Band::NeedsPerson;
    case Phase::Succeeded:
      return Band::Over;
    case Phase::Pending:
    case Phase::Applying:
    case Phase::Progressing:
    case Phase::Ready:
    case Phase::Running:
    case Phase::Suspended:
    case Phase::Removing:
      break;
  }
  return Band::Lives;
}

}  // namespace ray_gitops::status
