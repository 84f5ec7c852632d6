#include "reconcilers/manifest/view.h"

#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/manifest/compression.h"
#include "reconcilers/model/document.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

// JSON with ' for ", so that it reads in C++.
Json json(std::string text) {
  for (char& character : text)
    if (character == '\'') character = '"';
  return Json::parse(text);
}

Json pod(const std::string& status = "{}") {
  Json object = json(R"({'kind':'Pod','metadata':{
    'name':'demo-head','namespace':'default','uid':'u1','resourceVersion':'7',
    'creationTimestamp':'2026-01-02T03:04:05Z',
    'labels':{'ray-gitops.io/agent':'a1','ray.io/cluster':'demo','ray.io/group':'headgroup'},
    'annotations':{'ray-gitops.io/desired-hash':'v1:d','ray-gitops.io/template-hash':'v1:t',
                   'ray-gitops.io/runtime-hash':'v1:r','ray-gitops.io/incarnation':'3'},
    'ownerReferences':[{'uid':'other'},{'uid':'anchor','controller':true}]},
    'spec':{'containers':[{'name':'ray-head'},{'name':'sidecar'}]}})");
  object["status"] = json(status);
  return object;
}

PodView pod_view(const Json& object) {
  const auto view = parse_view(ResourceType::Pod, object);
  EXPECT_TRUE(view) << describe(view.error());
  return view ? std::get<PodView>(*view) : PodView{};
}

std::string problem(const std::string& status) { return pod_problem(pod(status)); }

TEST(PodView, holds_identity_hashes_and_owner) {
  const PodView view = pod_view(pod());
  EXPECT_EQ(to_string(view.meta.key), "Pod/default/demo-head");
  EXPECT_EQ(view.meta.uid, "u1");
  EXPECT_EQ(view.meta.resource_version, "7");
  EXPECT_EQ(view.meta.agent, "a1");
  EXPECT_EQ(view.meta.owner_uid, "anchor");
  EXPECT_EQ(view.meta.desired_hash, "v1:d");
  EXPECT_FALSE(view.meta.terminating);
  EXPECT_EQ(to_rfc3339(view.meta.created_at), "2026-01-02T03:04:05Z");
  EXPECT_EQ(view.cluster, "demo");
  EXPECT_EQ(view.group, "headgroup");
  EXPECT_EQ(view.template_hash, "v1:t");
  EXPECT_EQ(view.runtime_hash, "v1:r");
  EXPECT_EQ(view.incarnation, 3);
}

TEST(PodView, tells_the_state_of_the_ray_container_by_its_name) {
  Json object = pod(R"({'phase':'Running','podIP':'10.0.0.7',
    'conditions':[{'type':'Ready','status':'True'}],
    'containerStatuses':[
      {'name':'sidecar','restartCount':9,'state':{'terminated':{'exitCode':1}}},
      {'name':'ray-head','restartCount':2,
       'state':{'running':{'startedAt':'2026-01-02T03:04:06Z'}}}]})");
  object["metadata"]["deletionTimestamp"] = "2026-01-02T03:05:00Z";
  object["spec"]["restartPolicy"] = "Never";
  const PodView view = pod_view(object);
  EXPECT_EQ(view.phase, PodPhase::Running);
  EXPECT_TRUE(view.ready);
  EXPECT_EQ(view.ip, "10.0.0.7");
  EXPECT_EQ(view.ray_restart_count, 2);
  EXPECT_EQ(to_rfc3339(view.ray_started_at.value()), "2026-01-02T03:04:06Z");
  EXPECT_FALSE(view.ray_terminated);
  EXPECT_FALSE(view.restarts_in_place);
  EXPECT_TRUE(view.meta.terminating);
}

TEST(PodProblem, is_one_sentence_of_the_first_cause) {
  EXPECT_EQ(problem("{}"), "");
  EXPECT_EQ(problem(R"({'conditions':[{'type':'PodScheduled','status':'False',
      'reason':'Unschedulable','message':'0/3 nodes are available: 3 Insufficient cpu.'}]})"),
            "no node takes the pod: 0/3 nodes are available: 3 Insufficient cpu.");
  EXPECT_EQ(problem(R"({'phase':'Failed','reason':'Evicted','message':'low on memory'})"),
            "the pod was ended with reason Evicted: low on memory");
  EXPECT_EQ(problem(R"({'containerStatuses':[{'name':'c','state':
      {'waiting':{'reason':'CreateContainerConfigError',
                  'message':'secret \u0027s\u0027 not found'}}}]})"),
            "container c waits with reason CreateContainerConfigError: secret 's' not found");
  EXPECT_EQ(problem(R"({'containerStatuses':[{'name':'c','state':
      {'waiting':{'reason':'ContainerCreating'}}}]})"),
            "");
}

TEST(PodProblem, is_the_same_sentence_between_attempts) {
  const std::string expected = "the image ray:9 of container c cannot be pulled";
  EXPECT_EQ(problem(R"({'containerStatuses':[{'name':'c','image':'ray:9','state':
      {'waiting':{'reason':'ErrImagePull','message':'rpc error'}}}]})"),
            expected);
  EXPECT_EQ(problem(R"({'containerStatuses':[{'name':'c','image':'ray:9','state':
      {'waiting':{'reason':'ImagePullBackOff','message':'Back-off pulling'}}}]})"),
            expected);
  EXPECT_EQ(problem(R"({'containerStatuses':[{'name':'c','restartCount':4,
      'lastState':{'terminated':{'exitCode':137,'reason':'OOMKilled','message':'log text'}},
      'state':{'waiting':{'reason':'CrashLoopBackOff','message':'back-off 5m0s'}}}]})"),
            "container c ended with exit code 137 (OOMKilled) and waits to be restarted "
            "(CrashLoopBackOff)");
}

TEST(PodProblem, looks_at_init_containers_first_and_lets_them_end_well) {
  EXPECT_EQ(problem(R"({'initContainerStatuses':[
      {'name':'a','state':{'terminated':{'exitCode':0}}},
      {'name':'b','state':{'terminated':{'exitCode':2,'reason':'Error'}}}],
      'containerStatuses':[{'name':'c','state':{'waiting':{'reason':'PodInitializing'}}}]})"),
            "init container b ended with exit code 2");
}

TEST(PodProblem, never_shows_a_termination_message_because_it_may_be_log_text) {
  const std::string text = problem(R"({'containerStatuses':[{'name':'c','state':
      {'terminated':{'exitCode':1,'reason':'Error','message':'password is hunter2'}}}]})");
  EXPECT_EQ(text, "container c ended with exit code 1");
}

TEST(PodProblem, is_bounded_and_on_one_line) {
  Json object = pod(R"({'phase':'Failed','reason':'Evicted'})");
  object["status"]["message"] = "two\nlines" + std::string(5000, 'x');
  EXPECT_LE(pod_problem(object).size(), 300U);
  EXPECT_EQ(pod_problem(object).find('\n'), std::string::npos);
}

TEST(ConfigMapView, keeps_an_anchor_and_drops_what_others_hold) {
  Json object = json(R"({'metadata':{'name':'raycluster.demo','namespace':'default','uid':'u',
    'resourceVersion':'1','labels':{'ray-gitops.io/kind':'RayCluster'},
    'annotations':{'ray-gitops.io/name':'demo','ray-gitops.io/commit':'c0','ray-gitops.io/path':'p',
                   'ray-gitops.io/spec-hash':'v1:s'}},
    'data':{'state':'{}'}})");
  object["binaryData"]["document"] = base64_encode(std::string("\x78\x9c\0z", 4));
  const auto anchor = std::get<ConfigMapView>(*parse_view(ResourceType::ConfigMap, object));
  EXPECT_EQ(anchor.anchor_kind, "RayCluster");
  EXPECT_EQ(anchor.anchor_name, "demo");
  EXPECT_EQ(anchor.document, std::string("\x78\x9c\0z", 4));
  EXPECT_EQ(anchor.state, "{}");
  EXPECT_EQ(anchor.commit, "c0");
  EXPECT_EQ(anchor.path, "p");
  EXPECT_EQ(anchor.spec_hash, "v1:s");
  object["metadata"].erase("labels");
  const auto companion = std::get<ConfigMapView>(*parse_view(ResourceType::ConfigMap, object));
  EXPECT_EQ(companion.document + companion.state + companion.anchor_kind, "");
  object["metadata"]["labels"]["ray-gitops.io/kind"] = "RayCluster";
  object["binaryData"]["document"] = "%%%%";
  EXPECT_EQ(std::get<ConfigMapView>(*parse_view(ResourceType::ConfigMap, object)).document, "");
}

TEST(LeaseView, reads_micro_time) {
  const auto view = parse_view(ResourceType::Lease, json(R"({'metadata':
    {'name':'l','namespace':'default','uid':'u','resourceVersion':'1'},
    'spec':{'holderIdentity':'me','leaseDurationSeconds':15,'leaseTransitions':4,
            'renewTime':'2026-11-23T04:14:22.000000Z'}})"));
  const auto& lease = std::get<LeaseView>(*view);
  EXPECT_EQ(lease.holder, "me");
  EXPECT_EQ(lease.duration, std::chrono::seconds{15});
  EXPECT_EQ(lease.transitions, 4);
  EXPECT_EQ(to_rfc3339(lease.renewed_at.value()), "2026-11-23T04:14:22Z");
}

TEST(NamespaceView, needs_no_namespace) {
  EXPECT_TRUE(parse_view(ResourceType::Namespace,
                         json(R"({'metadata':{'name':'n','uid':'u','resourceVersion':'1'}})")));
}

TEST(ServiceShape, is_the_same_for_what_we_write_and_what_is_served) {
  const Json desired = json(R"({'spec':{'clusterIP':'None','selector':{'a':'b'},
    'publishNotReadyAddresses':true,
    'ports':[{'name':'x','port':1,'appProtocol':'tcp'},{'name':'a','port':2,'protocol':'TCP'}]}})");
  const Json served = json(R"({'metadata':{'uid':'u'},'spec':{'type':'ClusterIP','clusterIP':'None',
    'clusterIPs':['None'],'ipFamilies':['IPv4'],'sessionAffinity':'None','selector':{'a':'b'},
    'publishNotReadyAddresses':true,'internalTrafficPolicy':'Cluster',
    'ports':[{'name':'a','port':2,'protocol':'TCP','targetPort':2},
             {'name':'x','port':1,'protocol':'TCP','targetPort':1,'appProtocol':'tcp'}]},
    'status':{'loadBalancer':{}}})");
  EXPECT_EQ(service_shape(desired), service_shape(served));
}

TEST(ServiceShape, differs_with_everything_that_matters) {
  const Json service = json(R"({'spec':{'clusterIP':'None','selector':{'a':'b'},
                                        'ports':[{'name':'x','port':1}]}})");
  for (const char* patch :
       {R"({'spec':{'clusterIP':'10.0.0.1'}})", R"({'spec':{'selector':{'a':'c'}}})",
        R"({'spec':{'type':'NodePort'}})", R"({'spec':{'publishNotReadyAddresses':true}})",
        R"({'spec':{'ports':[{'name':'x','port':1,'targetPort':'y'}]}})",
        R"({'spec':{'ports':[{'name':'x','port':1,'protocol':'UDP'}]}})",
        R"({'spec':{'ports':[{'name':'x','port':1,'appProtocol':'grpc'}]}})",
        R"({'spec':{'ports':[{'name':'y','port':1}]}})", R"({'spec':{'ports':[]}})"}) {
    Json changed = service;
    changed.merge_patch(json(patch));
    EXPECT_NE(service_shape(changed), service_shape(service)) << patch;
  }
}

const std::vector<ResourceType> k_all_types = {ResourceType::Namespace, ResourceType::ConfigMap,
                                               ResourceType::Secret,    ResourceType::Service,
                                               ResourceType::Pod,       ResourceType::Lease};

TEST(ParseView, refuses_what_is_no_live_object) {
  for (const char* text :
       {"null", "[]", "7", "'text'", "{}", "{'metadata':null}", "{'metadata':[]}",
        "{'metadata':{'name':7,'namespace':'n','uid':'u','resourceVersion':'1'}}",
        "{'metadata':{'name':'n','namespace':'n','uid':'u','resourceVersion':1}}",
        "{'metadata':{'name':'n','namespace':'n','uid':'','resourceVersion':'1'}}",
        "{'kind':'Status','metadata':{'name':'n','namespace':'n','uid':'u','resourceVersion':'1'}}",
        "{'kind':7,'metadata':{'name':'n','namespace':'n','uid':'u','resourceVersion':'1'}}"}) {
    for (const ResourceType type : k_all_types) {
      const auto view = parse_view(type, json(text));
      ASSERT_FALSE(view) << text;
      EXPECT_EQ(view.error().code, ErrorCode::InvalidInput);
    }
  }
  EXPECT_FALSE(parse_view(ResourceType::Pod,
                          json(R"({'metadata':{'name':'n','uid':'u','resourceVersion':'1'}})")));
}

// Puts each of some odd values at every place of a good object, one at a time.
void try_odd_values(Json& root, Json& place, ResourceType type) {
  const Json good = place;
  for (const char* odd : {"null", "true", "-1", "18446744073709551615", "1e300", "'odd'", "[]",
                          "[[]]", "[null,7]", "{}", "{'':''}", "{'a':{'b':{}}}"}) {
    place = json(odd);
    const auto view = parse_view(type, root);
    EXPECT_TRUE(view || view.error().code == ErrorCode::InvalidInput);
    (void)service_shape(root);
    (void)pod_problem(root);
  }
  place = good;
  for (Json& part : place)
    if (place.is_structured()) try_odd_values(root, part, type);
}

TEST(ParseView, gives_a_view_or_an_error_whatever_stands_where) {
  Json whole = pod(R"({'phase':'Running','podIP':'10.0.0.7','reason':'r','message':'m',
    'conditions':[{'type':'Ready','status':'False'},{'type':'PodScheduled','status':'True'}],
    'initContainerStatuses':[{'name':'i','state':{'waiting':{'reason':'r','message':'m'}}}],
    'containerStatuses':[{'name':'ray-head','restartCount':2,'image':'i',
      'lastState':{'terminated':{'exitCode':1,'reason':'r'}},
      'state':{'running':{'startedAt':'2026-01-02T03:04:06Z'}}}]})");
  whole.erase("kind");
  whole["data"]["state"] = "{}";
  whole["binaryData"]["document"] = "AAAA";
  whole["metadata"]["labels"]["ray-gitops.io/kind"] = "RayCluster";
  whole["spec"].update(json(R"({'selector':{'a':'b'},'type':'ClusterIP','clusterIP':'None',
    'ports':[{'name':'a','port':2,'protocol':'TCP','targetPort':2,'appProtocol':'tcp'}],
    'holderIdentity':'me','leaseDurationSeconds':15,'renewTime':'2026-11-23T04:14:22Z'})"));
  for (const ResourceType type : k_all_types) try_odd_values(whole, whole, type);
}

TEST(ParseView, takes_labels_and_annotations_without_values_as_absent) {
  Json object = pod();
  object["metadata"]["labels"] = json("{'ray.io/cluster':null,'a':null}");
  object["metadata"]["annotations"] = json("{'ray-gitops.io/incarnation':'3x','a':null}");
  const PodView view = pod_view(object);
  EXPECT_EQ(view.cluster, "");
  EXPECT_EQ(view.incarnation, 0);
}

}  // namespace
}  // namespace ray_gitops
