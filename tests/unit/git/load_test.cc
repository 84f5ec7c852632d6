#include <filesystem>

#include "agent/git/source_reader.h"
#include "tests/unit/git/support.h"

namespace ray_gitops::git {
namespace {

class Load : public GitTest {
 protected:
  // "path" for a file with content, "path!" for a refused one, "path~" for a known one.
  static std::vector<std::string> shape_of(const engine::SourceTree& tree) {
    std::vector<std::string> shape;
    shape.reserve(tree.files.size());
    for (const engine::SourceFile& file : tree.files)
      shape.push_back(file.path + (!file.refused.empty() ? "!" : file.content ? "" : "~"));
    return shape;
  }
  using Shape = std::vector<std::string>;
};

TEST_F(Load, lists_nothing_in_an_empty_repository) {
  const auto tips = list();
  ASSERT_TRUE(tips) << describe(tips.error());
  EXPECT_FALSE(tips->source);
  EXPECT_FALSE(tips->status);
}

TEST_F(Load, lists_both_branches_at_once) {
  const std::string source = commit_all();
  git("branch ray-status/test");
  git("branch other");
  const auto tips = list();
  ASSERT_TRUE(tips) << describe(tips.error());
  EXPECT_EQ(tips->source, source);
  EXPECT_EQ(tips->status, source);
}

TEST_F(Load, a_missing_repository_is_not_found) {
  for (const std::string& url :
       {"file://" + path("nowhere"), std::string("file:///proc/self/environ"), path("")}) {
    worker_with(options(url));
    const auto tips = list();
    ASSERT_FALSE(tips) << url;
    EXPECT_EQ(tips.error().code, ErrorCode::NotFound) << describe(tips.error());
  }
}

TEST_F(Load, reads_watched_files_in_byte_order_of_path) {
  for (const char* name :
       {"b.yaml", "a/z.yml", "a.yaml", "a/B.yaml", "a/deep/er/c.yaml", "README.md", "x.YAML",
        ".github/ci.yaml", "a/.hidden/d.yaml", ".dot.yaml", "a-b/c.yaml"})
    write_file(name, std::string("content of ") + name);
  const std::string commit = commit_all("the message");
  const auto tree = load(commit);
  ASSERT_TRUE(tree) << describe(tree.error());
  EXPECT_EQ(tree->commit, commit);
  EXPECT_EQ(tree->message, "the message\n");
  EXPECT_TRUE(tree->descends_from_accepted);
  EXPECT_EQ(shape_of(*tree), (Shape{".dot.yaml", "a-b/c.yaml", "a.yaml", "a/B.yaml",
                                    "a/deep/er/c.yaml", "a/z.yml", "b.yaml"}));
  EXPECT_EQ(tree->files[2].content, "content of a.yaml");
}

TEST_F(Load, gives_binary_contents_as_they_are) {
  const std::string content("\0\xFF\r\n\x80", 5);
  write_file("a.yaml", content);
  const auto tree = load(commit_all());
  ASSERT_TRUE(tree) << describe(tree.error());
  EXPECT_EQ(tree->files.at(0).content, content);
}

TEST_F(Load, leaves_out_contents_that_are_known) {
  write_file("a.yaml", "one");
  write_file("b.yaml", "two");
  const std::string first = commit_all();
  const auto before = load(first);
  ASSERT_TRUE(before) << describe(before.error());
  std::set<std::string> known;
  for (const auto& file : before->files) known.insert(file.blob_id);
  write_file("b.yaml", "three");
  std::filesystem::remove(work_ + "/a.yaml");
  write_file("c.yaml", "one");  // moved: the same blob
  const auto after = load(commit_all(), first, known);
  ASSERT_TRUE(after) << describe(after.error());
  EXPECT_EQ(shape_of(*after), (Shape{"b.yaml", "c.yaml~"}));
  EXPECT_TRUE(after->descends_from_accepted);
}

TEST_F(Load, reads_only_the_watched_folder) {
  write_file("prod/a.yaml", "a");
  write_file("prod-2/b.yaml", "b");
  const auto tree = load(commit_all(), "", {}, "prod");
  ASSERT_TRUE(tree) << describe(tree.error());
  EXPECT_EQ(shape_of(*tree), (Shape{"prod/a.yaml"}));
}

TEST_F(Load, a_missing_folder_is_an_empty_one) {
  write_file("a.yaml", "a");
  const auto tree = load(commit_all(), "", {}, "prod");
  ASSERT_TRUE(tree) << describe(tree.error());
  EXPECT_TRUE(tree->files.empty());
}

TEST_F(Load, an_impossible_folder_is_an_error) {
  write_file("a.yaml", "a");
  const std::string commit = commit_all();
  EXPECT_EQ(load(commit, "", {}, "a.yaml").error().code, ErrorCode::InvalidInput);
  for (const char* folder : {"../x", "/etc", "a//b", "a/../..", ".git", "a\\b"})
    EXPECT_EQ(load(commit, "", {}, folder).error().code, ErrorCode::InvalidInput) << folder;
}

TEST_F(Load, refuses_links_submodules_and_large_files) {
  const std::string text = blob_of("text");
  const std::string folder = tree_of({{"100644", "x.yaml", text}});
  const auto link = [this](const std::string& target) { return blob_of(target); };
  const std::string commit = commit_tree(tree_of({
      {"120000", "dangling", link("nowhere")},
      {"120000", "escaping", link("../../etc")},
      {"40000", "folder", folder},
      {"100644", "huge.yaml", blob_of(std::string(k_source_file_bytes_max + 1, 'x'))},
      {"100644", "large.yaml", blob_of(std::string(k_source_file_bytes_max, 'x'))},
      {"120000", "link.yaml", link("/etc/passwd")},
      {"160000", "module", "1111111111111111111111111111111111111111"},
      {"120000", "to-file", link("huge.yaml")},
      {"120000", "to-folder", link("./folder")},
  }));
  const auto tree = load(commit);
  ASSERT_TRUE(tree) << describe(tree.error());
  EXPECT_EQ(shape_of(*tree), (Shape{"folder/x.yaml", "huge.yaml!", "large.yaml", "link.yaml!",
                                    "module!", "to-folder!"}));
  EXPECT_EQ(tree->files[3].refused, "is a symbolic link; links are not followed");
  EXPECT_EQ(tree->files[1].refused, "the file has 1048577 bytes, more than 1048576");
}

TEST_F(Load, refuses_names_that_no_file_may_have) {
  const std::string text = blob_of("text");
  const std::string folder = tree_of({{"100644", "x.yaml", text}});
  const std::string commit = commit_tree(tree_of({
      {"40000", "..", folder},
      {"40000", ".GIT", folder},
      {"100644", "a/b.yaml", text},
      {"100644", "back\\slash.yaml", text},
      {"100644", "bad\xFF.yaml", text},
      {"40000", "git~1", folder},
      {"100644", "new\nline.yaml", text},
      {"100644", "twice.yaml", text},
      {"100644", "twice.yaml", text},
      {"100644", "\xC3\xA4.yaml", text},   // composed
      {"100644", "a\xCC\x88.yaml", text},  // decomposed
  }));
  const auto tree = load(commit);
  ASSERT_TRUE(tree) << describe(tree.error());
  EXPECT_EQ(shape_of(*tree),
            (Shape{"..!", "a/b.yaml!", "a\xCC\x88.yaml", "back\\slash.yaml!", "bad\\xff.yaml!",
                   "git~1!", "new\\x0aline.yaml!", "twice.yaml!", "twice.yaml!", "\xC3\xA4.yaml"}));
}

TEST_F(Load, refuses_folders_that_are_nested_too_deep) {
  std::string tree = tree_of({{"100644", "x.yaml", blob_of("text")}});
  for (int level = 0; level < 66; ++level) tree = tree_of({{"40000", "d", tree}});
  const auto loaded = load(commit_tree(tree));
  ASSERT_TRUE(loaded) << describe(loaded.error());
  ASSERT_EQ(loaded->files.size(), 1U);
  EXPECT_EQ(loaded->files[0].refused, "folders are nested deeper than 64 levels");
}

TEST_F(Load, a_source_past_its_budgets_is_an_error) {
  const std::string large = blob_of(std::string(k_source_file_bytes_max, 'x'));
  std::vector<RawEntry> entries;
  for (int file = 100; file < 165; ++file)
    entries.push_back({"100644", std::to_string(file) + ".yaml", large});
  EXPECT_EQ(load(commit_tree(tree_of(entries))).error().code, ErrorCode::LimitExceeded);

  const std::string small = blob_of("x");
  entries.clear();
  for (int file = 10'000; file <= 30'000; ++file)
    entries.push_back({"100644", std::to_string(file) + ".yaml", small});
  EXPECT_EQ(load(commit_tree(tree_of(entries))).error().code, ErrorCode::LimitExceeded);
}

TEST_F(Load, sees_when_history_was_rewritten) {
  const std::string first = commit_all("first");
  const std::string second = commit_all("second");
  ASSERT_TRUE(load(second, first)->descends_from_accepted);
  git("reset -q --hard " + first);
  EXPECT_FALSE(load(first, second)->descends_from_accepted);
  git("checkout -q --orphan unrelated");
  const std::string unrelated = commit_all("unrelated");
  git("branch -q -f main unrelated");
  EXPECT_FALSE(load(unrelated, second)->descends_from_accepted);
  // One that nobody has.
  EXPECT_FALSE(load(unrelated, std::string(40, 'a'))->descends_from_accepted);
  EXPECT_TRUE(load(unrelated, unrelated)->descends_from_accepted);
}

TEST_F(Load, a_commit_that_the_branch_does_not_lead_to_is_a_conflict) {
  commit_all();
  EXPECT_EQ(load(std::string(40, 'a')).error().code, ErrorCode::Conflict);
  EXPECT_EQ(load("main").error().code, ErrorCode::InvalidInput);
  EXPECT_EQ(load("@{").error().code, ErrorCode::InvalidInput);
}

TEST_F(Load, reads_a_commit_from_the_cache_when_the_remote_is_gone) {
  write_file("a.yaml", "a");
  const std::string commit = commit_all();
  ASSERT_TRUE(load(commit));
  std::filesystem::remove_all(work_);
  const auto tree = load(commit);
  ASSERT_TRUE(tree) << describe(tree.error());
  EXPECT_EQ(shape_of(*tree), (Shape{"a.yaml"}));
}

TEST_F(Load, mends_a_damaged_or_missing_cache) {
  write_file("a.yaml", "a");
  const std::string commit = commit_all();
  ASSERT_TRUE(load(commit));
  const std::string a_ref_to_nothing =
      "rm -rf cache/repository.git/objects/pack/* && "
      "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa > cache/repository.git/refs/ray-gitops/source";
  for (const std::string& damage :
       {std::string("rm -rf cache"), std::string("rm cache/repository.git/HEAD"),
        std::string("rm -rf cache/repository.git/objects/pack/*.pack"),
        std::string("for f in cache/repository.git/objects/pack/*; do : > $f; done"),
        a_ref_to_nothing}) {
    run("cd '" + directory_ + "' && " + damage);
    const auto tree = load(commit);
    ASSERT_TRUE(tree) << damage << ": " << describe(tree.error());
    EXPECT_EQ(shape_of(*tree), (Shape{"a.yaml"}));
  }
}

TEST_F(Load, keeps_the_cache_private) {
  ASSERT_TRUE(load(commit_all()));
  EXPECT_EQ(run("stat -c %a '" + path("cache") + "'"), "700");
}

TEST_F(Load, does_not_mind_configuration_of_the_user_or_the_machine) {
  const std::string commit = commit_all();
  run("printf '[url \"file:///nowhere\"]\\n insteadOf = file://\\n' > '" + path(".gitconfig") +
      "'");
  setenv("HOME", directory_.c_str(), 1);
  EXPECT_TRUE(load(commit));
}

TEST_F(Load, refuses_names_of_branches_that_are_none) {
  for (const char* branch : {"", "a..b", "a:b", "*", "a b", "@{", "x.lock"})
    EXPECT_EQ(ask(ListRequest{branch, "status"}).error().code, ErrorCode::InvalidInput) << branch;
}

}  // namespace
}  // namespace ray_gitops::git
