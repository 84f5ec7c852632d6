#pragma once
// The rules that a document is checked by. Their ids appear in diagnostics; docs/rules.md lists
// them.

#include <cstdint>
#include <span>
#include <string_view>

namespace ray_gitops {

enum class Rule : std::uint8_t {
  // The file
  FileTooLarge,
  NotUtf8,
  TooManyDocuments,
  YamlSyntax,
  YamlBudgetExceeded,
  YamlTag,
  YamlMergeKey,
  YamlKey,
  YamlNumber,
  DuplicateKey,
  DuplicateObject,
  // The object
  NotAnObject,
  UnknownKind,
  KindNotAllowed,
  NamespaceNotAllowed,
  ApiVersion,
  GenerateName,
  ExportedField,
  ObjectName,
  NamespaceName,
  // The schema
  UnknownField,
  MissingField,
  WrongType,
  NotAllowedValue,
  OutOfRange,
  EmptyValue,
  SchemaMismatch,
  MoreProblems,
  // Syntax of values
  QuantitySyntax,
  LabelSyntax,
  AnnotationSyntax,
  Base64Syntax,
  DnsLabelSyntax,
  // Ray clusters
  GroupName,
  DuplicateGroup,
  ReplicaBounds,
  ReplicasTooMany,
  HostsPerReplica,
  RayResourcesTwice,
  LabelsInStartParams,
  AutoscalerVersionNeeded,
  AutoscalerSettings,
  RayVersionNeeded,
  RayVersionMismatch,
  FaultToleranceTwice,
  FaultToleranceImplied,
  FaultToleranceSettings,
  UpgradeStrategyOfOwner,
  AuthSettings,
  NetworkPolicySettings,
  // Ray jobs and services
  JobSuspend,
  JobDeletion,
  JobCluster,
  JobSubmission,
  JobEntrypoint,
  JobId,
  JobMetadata,
  JobRuntimeEnvironment,
  JobEntrypointResources,
  CronSchedule,
  ServeConfig,
  ServeField,
  ServeApplication,
  ServeRuntimeEnvironment,
  ServePort,
  ServeLabel,
  ServiceUpgrade,
  ServiceHeadName,
  InitializingTimeout,
  // Autoscaler policies
  PolicyAmount,
  PolicyName,
  // Companions
  JobTimeToLive,
  // What is not acted on
  NotSupportedYet,
  ManagedElsewhere,
  // The agent's configuration
  RepositoryUrl,
  RepositoryBranch,
  RepositoryPath,
  RepositoryTransport,
  RepositoryCredentials,
  MetricsAddress,
  StatusTiming,
};

struct RuleInfo {
  Rule rule;
  std::string_view id;
  std::string_view meaning;  // one sentence, for docs/rules.md
};

std::string_view id_of(Rule rule);
// In the order of the enumeration.
std::span<const RuleInfo> all_rules();

}  // namespace ray_gitops
