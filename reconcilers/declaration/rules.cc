#include "reconcilers/declaration/rules.h"

#include <array>
#include <cstddef>

namespace ray_gitops {
namespace {

using enum Rule;

constexpr std::array k_rules{
    RuleInfo{FileTooLarge, "FileTooLarge", "A file is at most 1 MiB."},
    RuleInfo{NotUtf8, "NotUtf8", "A file is UTF-8 text without control characters."},
    RuleInfo{TooManyDocuments, "TooManyDocuments", "A file holds at most 1,000 documents."},
    RuleInfo{YamlSyntax, "YamlSyntax", "A document is well-formed YAML 1.2."},
    RuleInfo{
        YamlBudgetExceeded, "YamlBudgetExceeded",
        "A document is nested at most 64 deep, uses at most 100 aliases, and has at most 200,000 "
        "values and 4 MiB of text once its aliases are expanded."},
    RuleInfo{YamlTag, "YamlTag", "Only the tags !!str, !!map and !!seq are understood."},
    RuleInfo{YamlMergeKey, "YamlMergeKey",
             "Merge keys (<<) are not part of YAML 1.2 and are refused."},
    RuleInfo{YamlKey, "YamlKey", "A key is a plain or quoted string."},
    RuleInfo{YamlNumber, "YamlNumber",
             "A number is finite and an integer fits into 64 bits; anything else is quoted."},
    RuleInfo{DuplicateKey, "DuplicateKey", "A key stands once in its mapping."},
    RuleInfo{DuplicateObject, "DuplicateObject",
             "An object is declared in one place only; of two, neither is applied."},
    RuleInfo{NotAnObject, "NotAnObject", "A document is a mapping with apiVersion and kind."},
    RuleInfo{UnknownKind, "UnknownKind", "A document is of a kind that is understood."},
    RuleInfo{KindNotAllowed, "KindNotAllowed",
             "The agent's configuration allows the companion's kind."},
    RuleInfo{NamespaceNotAllowed, "NamespaceNotAllowed",
             "The agent's configuration allows the object's namespace."},
    RuleInfo{ApiVersion, "ApiVersion", "A document has its kind's apiVersion."},
    RuleInfo{GenerateName, "GenerateName",
             "An object has a name of its own: what is in Git must be recognised again."},
    RuleInfo{ExportedField, "ExportedField",
             "Fields that a cluster fills in do not belong into a file."},
    RuleInfo{ObjectName, "ObjectName", "An object's name has its kind's length and characters."},
    RuleInfo{NamespaceName, "NamespaceName", "A namespace is a DNS label."},
    RuleInfo{UnknownField, "UnknownField", "Every field is one of its schema."},
    RuleInfo{MissingField, "MissingField", "Required fields are there."},
    RuleInfo{WrongType, "WrongType", "A value has its field's type."},
    RuleInfo{NotAllowedValue, "NotAllowedValue", "A value is one of those its field allows."},
    RuleInfo{OutOfRange, "OutOfRange", "A number lies in its field's range."},
    RuleInfo{EmptyValue, "EmptyValue", "A value that is needed is not empty."},
    RuleInfo{SchemaMismatch, "SchemaMismatch", "A document follows its schema."},
    RuleInfo{MoreProblems, "MoreProblems", "Only the first 100 problems of a document are listed."},
    RuleInfo{QuantitySyntax, "QuantitySyntax",
             "A quantity is a number with a Kubernetes suffix: 500m, 2, 4Gi."},
    RuleInfo{LabelSyntax, "LabelSyntax",
             "Label keys and values have Kubernetes' length and characters."},
    RuleInfo{
        AnnotationSyntax, "AnnotationSyntax",
        "Annotation keys are qualified names; all of an object's together are at most 256 KiB."},
    RuleInfo{Base64Syntax, "Base64Syntax", "Binary values are written in base64."},
    RuleInfo{DnsLabelSyntax, "DnsLabelSyntax",
             "A name is at most 63 of a-z, 0-9 and -, and begins and ends with a letter or digit."},
    RuleInfo{
        GroupName, "GroupName",
        "A worker group's name is a DNS label and not headgroup; it becomes a part of pod names."},
    RuleInfo{DuplicateGroup, "DuplicateGroup", "A worker group's name is unique in its cluster."},
    RuleInfo{ReplicaBounds, "ReplicaBounds",
             "0 <= minReplicas <= maxReplicas, and replicas is not negative."},
    RuleInfo{ReplicasTooMany, "ReplicasTooMany", "A cluster asks for at most 20,000 workers."},
    RuleInfo{HostsPerReplica, "HostsPerReplica", "numOfHosts is from 1 to 4096."},
    RuleInfo{RayResourcesTwice, "RayResourcesTwice",
             "Ray resources are given in `resources` or in rayStartParams, not in both."},
    RuleInfo{LabelsInStartParams, "LabelsInStartParams",
             "Ray node labels are given in `labels`, not in rayStartParams."},
    RuleInfo{AutoscalerVersionNeeded, "AutoscalerVersionNeeded",
             "Idle timeouts and priorities of groups need autoscaler v2."},
    RuleInfo{AutoscalerSettings, "AutoscalerSettings",
             "Autoscaling is switched by fields, not by environment variables, and fits the pods."},
    RuleInfo{RayVersionNeeded, "RayVersionNeeded", "A feature needs a rayVersion that has it."},
    RuleInfo{RayVersionMismatch, "RayVersionMismatch",
             "The image's Ray version is the one of spec.rayVersion."},
    RuleInfo{FaultToleranceTwice, "FaultToleranceTwice",
             "GCS fault tolerance is asked for in one way only."},
    RuleInfo{FaultToleranceImplied, "FaultToleranceImplied",
             "Redis is named in gcsFaultToleranceOptions, not in variables and start parameters."},
    RuleInfo{FaultToleranceSettings, "FaultToleranceSettings",
             "The options of GCS fault tolerance fit its backend."},
    RuleInfo{UpgradeStrategyOfOwner, "UpgradeStrategyOfOwner",
             "A cluster of a job or service has no upgradeStrategy of its own."},
    RuleInfo{AuthSettings, "AuthSettings", "The options of authentication fit each other."},
    RuleInfo{NetworkPolicySettings, "NetworkPolicySettings",
             "Network policy rules fit the policy's mode and the cluster's groups."},
    RuleInfo{JobSuspend, "JobSuspend", "A job that can be suspended owns its cluster."},
    RuleInfo{JobDeletion, "JobDeletion", "What is deleted after a job's end is said in one way."},
    RuleInfo{JobCluster, "JobCluster", "A job has a cluster of its own or selects one."},
    RuleInfo{JobSubmission, "JobSubmission", "A job's options fit its submission mode."},
    RuleInfo{JobEntrypoint, "JobEntrypoint", "A job has an entrypoint."},
    RuleInfo{JobId, "JobId",
             "jobId is 1 to 128 of A-Z, a-z, 0-9, ., _ and -, and does not begin with a dot."},
    RuleInfo{JobMetadata, "JobMetadata",
             "Metadata of a job has no keys that begin with ray-gitops.io/; they are the agent's."},
    RuleInfo{JobRuntimeEnvironment, "JobRuntimeEnvironment",
             "runtimeEnvYAML is a YAML mapping; working_dir and py_modules in it are URIs."},
    RuleInfo{JobEntrypointResources, "JobEntrypointResources",
             "entrypointResources is a JSON object of numbers."},
    RuleInfo{
        CronSchedule, "CronSchedule",
        "A schedule has five fields that some time matches, and names no time zone; `timeZone` is "
        "one of the time zone database."},
    RuleInfo{ServeConfig, "ServeConfig",
             "serveConfigV2 is a YAML mapping with at least one application, and HTTP proxies."},
    RuleInfo{ServeField, "ServeField",
             "A field of a Serve configuration, of an application in it or of a deployment is one "
             "that Ray "
             "knows."},
    RuleInfo{ServeApplication, "ServeApplication",
             "An application has an import path, and a name and a route prefix of its own; its "
             "deployments have names of their own."},
    RuleInfo{ServeRuntimeEnvironment, "ServeRuntimeEnvironment",
             "working_dir and py_modules in a Serve configuration are URIs."},
    RuleInfo{ServePort, "ServePort",
             "When the head's Ray container lists ports, one is named serve or serve-... and is "
             "Serve's."},
    RuleInfo{ServeLabel, "ServeLabel",
             "Pods of a RayService's clusters have no label ray.io/serve; it is the agent's."},
    RuleInfo{ServiceUpgrade, "ServiceUpgrade",
             "A step-by-step upgrade needs autoscaling and its options."},
    RuleInfo{ServiceHeadName, "ServiceHeadName",
             "The head Service of a RayService's cluster has no name of its own."},
    RuleInfo{InitializingTimeout, "InitializingTimeout",
             "ray.io/initializing-timeout is a positive duration."},
    RuleInfo{PolicyAmount, "PolicyAmount",
             "A policy limits resources by their Kubernetes names, and amounts are not negative."},
    RuleInfo{PolicyName, "PolicyName",
             "Tenants, schedules and warm groups have names that are unique in their list."},
    RuleInfo{JobTimeToLive, "JobTimeToLive",
             "A Kubernetes Job that stands in Git has no ttlSecondsAfterFinished: it would run "
             "again."},
    RuleInfo{NotSupportedYet, "NotSupportedYet",
             "A field or kind is understood but not acted on yet."},
    RuleInfo{ManagedElsewhere, "ManagedElsewhere", "Another controller manages the object."},
    RuleInfo{RepositoryUrl, "RepositoryUrl",
             "The repository's URL is a path, file://, https:// or http://, without a password."},
    RuleInfo{RepositoryBranch, "RepositoryBranch",
             "The followed branch and the status branch are two valid branch names."},
    RuleInfo{RepositoryPath, "RepositoryPath",
             "The watched folder is a relative path inside the repository."},
    RuleInfo{RepositoryTransport, "RepositoryTransport",
             "http:// and repositories on this machine are allowed by a field of their own."},
    RuleInfo{RepositoryCredentials, "RepositoryCredentials",
             "Credentials and authorities are absolute paths of files, for a URL that uses them."},
    RuleInfo{MetricsAddress, "MetricsAddress", "metrics.address is a numeric address and a port."},
    RuleInfo{StatusTiming, "StatusTiming", "status.maxWaitSeconds is at least debounceSeconds."},
};

}  // namespace

std::string_view id_of(Rule rule) { return k_rules.at(static_cast<std::size_t>(rule)).id; }

std::span<const RuleInfo> all_rules() { return k_rules; }

}  // namespace ray_gitops
