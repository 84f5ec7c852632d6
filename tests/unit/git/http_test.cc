// Over http, served by Git itself.

#include <filesystem>
#include <fstream>
#include <sstream>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/git/child.h"
#include "tests/unit/git/support.h"

namespace ray_gitops::git {
namespace {

class Http : public GitTest {
 protected:
  Http() {
    run("git init -q --bare -b main '" + path("bare.git") + "'");
    run("git -C '" + path("bare.git") + "' config http.receivepack true");
    git("remote add origin '" + path("bare.git") + "'");
    base_ = "http://127.0.0.1:" + start_server();
    worker_with(options(base_ + "/bare.git"));
  }
  ~Http() override { stop_server(); }
  // Its port. `more`: the server's further arguments.
  std::string start_server(const std::vector<std::string>& more = {}) {
    std::vector<std::string> command{"/usr/bin/env", "PATH=" + std::string(getenv("PATH")),
                                     "python3", "tests/unit/git/http_backend.py", directory_};
    command.insert(command.end(), more.begin(), more.end());
    auto server = spawn_child(command);
    if (server) server_ = std::move(*server);
    pollfd readable{server_.output.get(), POLLIN, 0};
    EXPECT_EQ(poll(&readable, 1, static_cast<int>(k_test_time_max.count())), 1);
    char text[16] = {};
    EXPECT_GT(read(server_.output.get(), text, sizeof(text) - 1), 0) << "no server";
    return std::to_string(std::atoi(text));
  }
  void stop_server() {
    server_.input.close_now();
    waitpid(server_.pid, nullptr, 0);
  }
  std::string write_private(const std::string& name, const std::string& content) {
    std::ofstream(path(name), std::ios::trunc) << content;
    run("chmod 0600 '" + path(name) + "'");
    return path(name);
  }
  GitWorkerOptions with_token(const std::string& url, const std::string& token) {
    GitWorkerOptions options = this->options(url);
    options.credentials = {"user", "", write_private("token", token)};
    return options;
  }
  // What the server was sent: a line for each time, the host and the credentials.
  std::string authorizations() {
    std::ostringstream text;
    text << std::ifstream(path("authorizations")).rdbuf();
    return text.str();
  }
  std::string push_all() {
    std::string commit = commit_all();
    git("push -q -f origin main");
    return commit;
  }
  std::string bare(const std::string& arguments) {
    return run("git -C '" + path("bare.git") + "' " + arguments);
  }
  void add_hook(const std::string& name, const std::string& script) {
    const std::string file = path("bare.git/hooks/" + name);
    std::filesystem::create_directories(path("bare.git/hooks"));
    std::ofstream(file) << "#!/bin/sh\n" << script;
    run("chmod +x '" + file + "'");
  }

  Child server_;
  std::string base_;
};

TEST_F(Http, lists_loads_and_publishes) {
  ASSERT_TRUE(list()) << "an empty repository";
  EXPECT_FALSE(list()->source);
  write_file("a.yaml", "a");
  const std::string first = push_all();
  EXPECT_EQ(list()->source, first);
  const auto tree = load(first);
  ASSERT_TRUE(tree) << describe(tree.error());
  EXPECT_EQ(tree->files.at(0).content, "a");
  write_file("b.yaml", "b");
  const std::string second = push_all();
  EXPECT_EQ(load(second, first, {tree->files[0].blob_id})->files.size(), 2U);

  const auto tip = publish(std::nullopt, {{"README.md", "x"}});
  ASSERT_TRUE(tip) << describe(tip.error());
  EXPECT_EQ(list()->status, *tip);
  const auto next = publish(*tip, {{"README.md", "y"}, {"objects/a.json", "{}"}});
  ASSERT_TRUE(next) << describe(next.error());
  EXPECT_EQ(bare("rev-list --count ray-status/test"), "2");
  EXPECT_EQ(bare("show ray-status/test:README.md"), "y");
  bare("fsck --strict --full");
}

TEST_F(Http, loses_when_the_branch_has_moved) {
  const auto tip = publish(std::nullopt, {{"README.md", "x"}});
  ASSERT_TRUE(tip) << describe(tip.error());
  EXPECT_EQ(publish(std::nullopt, {{"README.md", "y"}}).error().code, ErrorCode::Conflict);
  const auto next = publish(*tip, {{"README.md", "z"}});
  ASSERT_TRUE(next) << describe(next.error());
  EXPECT_EQ(publish(*tip, {{"README.md", "y"}}).error().code, ErrorCode::Conflict);
  const std::string foreign = push_all();
  bare("update-ref refs/heads/ray-status/test " + foreign);
  EXPECT_EQ(publish(*next, {{"README.md", "y"}}).error().code, ErrorCode::Conflict);
  bare("update-ref -d refs/heads/ray-status/test");
  EXPECT_EQ(publish(*next, {{"README.md", "y"}}).error().code, ErrorCode::Conflict);
  EXPECT_EQ(bare("for-each-ref refs/heads/ray-status"), "");
}

TEST_F(Http, loses_when_the_branch_moves_between_its_look_and_its_update) {
  const std::string foreign = push_all();
  const auto tip = publish(std::nullopt, {{"README.md", "x"}});
  ASSERT_TRUE(tip) << describe(tip.error());
  // GIT_QUARANTINE_PATH forbids updates from the hook itself.
  add_hook("pre-receive",
           "cat > /dev/null\nunset GIT_QUARANTINE_PATH\ngit update-ref "
           "refs/heads/ray-status/test " +
               foreign + "\n");
  EXPECT_EQ(publish(*tip, {{"README.md", "y"}}).error().code, ErrorCode::Conflict);
  EXPECT_EQ(bare("rev-parse ray-status/test"), foreign);
}

TEST_F(Http, knows_that_it_published_when_the_answer_is_lost) {
  worker_with(options(base_ + "/cut/bare.git"));
  const auto tip = publish(std::nullopt, {{"README.md", "x"}});
  ASSERT_TRUE(tip) << describe(tip.error());
  EXPECT_EQ(bare("rev-parse ray-status/test"), *tip);
  add_hook("pre-receive", "cat > /dev/null\nexit 1\n");
  EXPECT_EQ(publish(*tip, {{"README.md", "y"}}).error().code, ErrorCode::Unavailable);
  EXPECT_EQ(bare("rev-parse ray-status/test"), *tip);
}

TEST_F(Http, shows_what_a_hook_that_declines_says) {
  add_hook(
      "pre-receive",
      "cat > /dev/null\nprintf 'status branches are \\033[31mnot\\033[0m welcome' >&2\nexit 1\n");
  const auto answer = publish(std::nullopt, {{"README.md", "x"}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::Rejected);
  EXPECT_EQ(answer.error().message,
            "the remote refused refs/heads/ray-status/test: pre-receive hook declined; it said: "
            "status branches are \\x1b[31mnot\\x1b[0m welcome");
}

TEST_F(Http, a_server_that_takes_no_pushes_is_forbidden) {
  bare("config http.receivepack false");
  const auto answer = publish(std::nullopt, {{"README.md", "x"}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::Forbidden) << describe(answer.error());
}

TEST_F(Http, tells_apart_why_a_server_does_not_serve) {
  const std::vector<std::pair<std::string, ErrorCode>> cases{
      {"/nowhere.git", ErrorCode::NotFound},
      {"/auth/bare.git", ErrorCode::Unauthenticated},
      {"/busy/bare.git", ErrorCode::Unavailable},
      {"/away/bare.git", ErrorCode::Unavailable}};
  for (const auto& [where, code] : cases) {
    worker_with(options(base_ + where));
    const auto tips = list();
    ASSERT_FALSE(tips) << where;
    EXPECT_EQ(tips.error().code, code) << describe(tips.error());
    EXPECT_EQ(tips.error().where, base_ + where);
  }
}

TEST_F(Http, follows_a_server_to_another_path_but_not_to_another_host) {
  const std::string commit = push_all();
  worker_with(options(base_ + "/moved/bare.git"));
  EXPECT_EQ(list()->source, commit);
  EXPECT_TRUE(load(commit));
  worker_with(options(base_ + "/away/bare.git"));
  EXPECT_FALSE(list());
  EXPECT_FALSE(load(std::string(40, 'a')));
}

TEST_F(Http, reads_and_publishes_with_a_token_from_a_file) {
  const std::string commit = push_all();
  worker_with(with_token(base_ + "/auth/bare.git", "token\n"));
  EXPECT_EQ(list()->source, commit);
  ASSERT_TRUE(load(commit));
  const auto tip = publish(std::nullopt, {{"README.md", "x"}});
  ASSERT_TRUE(tip) << describe(tip.error());
  EXPECT_EQ(bare("rev-parse ray-status/test"), *tip);
}

TEST_F(Http, sends_credentials_only_to_a_server_that_asks) {
  worker_with(with_token(base_ + "/bare.git", "token"));
  ASSERT_TRUE(list());
  EXPECT_EQ(authorizations(), "");
}

TEST_F(Http, reads_the_token_anew_for_each_request) {
  worker_with(with_token(base_ + "/auth/bare.git", "wrong-token"));
  const auto refused = list();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Unauthenticated);
  EXPECT_EQ(describe(refused.error()), path("token") + ": the repository refuses the credentials");
  EXPECT_EQ(authorizations(), "127.0.0.1 Basic dXNlcjp3cm9uZy10b2tlbg==\n")
      << "refused credentials are not tried again at once";
  write_private("token", "token");
  EXPECT_TRUE(list());
  run("rm '" + path("token") + "'");
  EXPECT_EQ(list().error().code, ErrorCode::NotFound);
  EXPECT_EQ(list().error().where, path("token"));
}

TEST_F(Http, says_that_a_server_asks_for_credentials_where_there_are_none) {
  worker_with(options(base_ + "/auth/bare.git"));
  EXPECT_EQ(list().error().message,
            "the repository asks for credentials: set repository.credentials");
}

TEST_F(Http, says_that_the_credentials_are_known_and_not_enough) {
  worker_with(with_token(base_ + "/auth/forbidden/bare.git", "token"));
  const auto tips = list();
  ASSERT_FALSE(tips);
  EXPECT_EQ(tips.error().code, ErrorCode::Forbidden);
  EXPECT_EQ(tips.error().where, path("token"));
}

TEST_F(Http, takes_credentials_along_a_redirect_but_never_to_another_host) {
  const std::string commit = push_all();
  worker_with(with_token(base_ + "/auth/moved/auth/bare.git", "token"));
  EXPECT_EQ(list()->source, commit);
  worker_with(with_token(base_ + "/auth/away/auth/bare.git", "token"));
  const auto tips = list();
  ASSERT_FALSE(tips);
  EXPECT_NE(tips.error().message.find("127.0.0.1"), std::string::npos) << describe(tips.error());
  EXPECT_NE(tips.error().message.find("localhost"), std::string::npos) << describe(tips.error());
  EXPECT_NE(authorizations(), "");
  EXPECT_EQ(authorizations().find("localhost"), std::string::npos) << authorizations();
}

TEST_F(Http, shows_no_credentials_that_a_server_repeats) {
  worker_with(with_token(base_ + "/echo/bare.git", "hidden-token"));
  const auto tips = list();
  ASSERT_FALSE(tips);
  EXPECT_NE(describe(tips.error()).find("***"), std::string::npos) << describe(tips.error());
  EXPECT_EQ(describe(tips.error()).find("dXNlcjpoaWRkZW4tdG9rZW4="), std::string::npos)
      << describe(tips.error());
}

TEST_F(Http, trusts_over_https_the_authority_it_is_given_and_no_other) {
  const std::string commit = push_all();
  stop_server();
  run("(cd '" + directory_ +
      "' && openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=authority -keyout ca.key "
      "-out ca.pem && openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out "
      "request.pem && echo 'subjectAltName=DNS:localhost' > names && openssl x509 -req -days 1 -in "
      "request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out certificate.pem && "
      "cat key.pem certificate.pem > server.pem)");
  const std::string port = start_server({"--certificate", path("server.pem")});
  GitWorkerOptions secure = with_token("https://localhost:" + port + "/auth/bare.git", "token");
  worker_with(secure);
  EXPECT_NE(list().error().message.find("TLS certificate"), std::string::npos)
      << describe(list().error());
  EXPECT_EQ(authorizations(), "") << "to a server that nobody vouches for";
  secure.certificate_authority_file = path("ca.pem");
  worker_with(secure);
  const auto tips = list();
  ASSERT_TRUE(tips) << describe(tips.error());
  EXPECT_EQ(tips->source, commit);
  ASSERT_TRUE(publish(std::nullopt, {{"README.md", "x"}}));
  secure.url = "https://127.0.0.1:" + port + "/auth/bare.git";
  worker_with(secure);
  EXPECT_NE(list().error().message.find("another host"), std::string::npos);
  secure.certificate_authority_file = path("names");
  worker_with(secure);
  EXPECT_EQ(list().error().code, ErrorCode::InvalidInput);
  EXPECT_EQ(list().error().where, path("names"));
}

TEST_F(Http, gives_up_a_server_that_trickles) {
  GitWorkerOptions impatient = options(base_ + "/trickle/bare.git");
  impatient.server_silence_max = Duration{1'000};
  worker_with(impatient);
  const auto tips = list();
  ASSERT_FALSE(tips);
  EXPECT_EQ(tips.error().code, ErrorCode::Unavailable);
  EXPECT_EQ(tips.error().message, "the Git server made no progress for 1000 ms");
}

TEST_F(Http, gives_up_a_list_of_references_without_an_end) {
  GitWorkerOptions endless = options(base_ + "/endless/bare.git");
#ifdef RAY_GITOPS_SANITIZED
  // No limit of memory is set under a sanitizer: the list meets that of time.
  endless.server_silence_max = Duration{1'000};
  constexpr ErrorCode k_expected = ErrorCode::Unavailable;
#else
  endless.server_silence_max = Duration{0};
  constexpr ErrorCode k_expected = ErrorCode::LimitExceeded;
#endif
  worker_with(endless);
  const auto tips = list();
  ASSERT_FALSE(tips);
  EXPECT_EQ(tips.error().code, k_expected) << describe(tips.error());
}

TEST_F(Http, a_web_page_is_no_repository) {
  worker_with(options(base_ + "/page/bare.git"));
  EXPECT_EQ(list().error().code, ErrorCode::Unavailable);
  EXPECT_EQ(list().error().message, "invalid content-type: 'text/html'");
}

TEST_F(Http, does_not_show_the_password_of_a_url) {
  const std::string address = base_.substr(std::string("http://").size());
  worker_with(options("http://user:hidden@" + address + "/auth/bare.git"));
  const auto tips = list();
  ASSERT_FALSE(tips);
  EXPECT_EQ(tips.error().code, ErrorCode::Unauthenticated) << describe(tips.error());
  EXPECT_EQ(describe(tips.error()).find("hidden"), std::string::npos) << describe(tips.error());
}

}  // namespace
}  // namespace ray_gitops::git
