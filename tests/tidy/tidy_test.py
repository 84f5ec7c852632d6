"""The tree keeps to the table, and each rule catches a violation planted for it."""

import pathlib
import unittest

import check
import table

ROOT = pathlib.Path(__file__).resolve().parents[2]


def problems(path, text):
    return [sentence for _, sentence in check.check_file(path, text, ROOT)]


class Tree(unittest.TestCase):
    def test_keeps_to_the_table(self):
        count, found = check.check_tree(ROOT)
        self.assertEqual([], found, "\n".join(found))
        self.assertGreater(count, 100, "the checker read next to nothing")

    def test_every_room_with_sources_is_in_the_table(self):
        folders = {path.parent.relative_to(ROOT).as_posix()
                   for folder in ("agent", "reconcilers") for path in (ROOT / folder).rglob("*.cc")}
        self.assertEqual(set(), folders - set(table.ROOMS))

    def test_the_table_names_no_room_twice_and_no_unknown_library(self):
        for room, rules in table.ROOMS.items():
            self.assertNotIn(room, rules["ours"])
            for library in (*rules["libraries"], *rules["source_only"]):
                self.assertIn(library, table.LIBRARIES)

    def test_a_kind_may_not_include_another(self):
        for kind in table.KINDS:
            self.assertEqual(set(), set(table.KINDS) & set(table.ROOMS[kind]["ours"]))

    def test_nothing_may_include_app_but_main(self):
        users = [room for room, rules in table.ROOMS.items() if "agent/app" in rules["ours"]]
        self.assertEqual(["agent"], users)


class PlantedInclude(unittest.TestCase):
    def caught(self, path, include, sentence):
        found = problems(path, f"#pragma once\n#include {include}\n")
        self.assertTrue(any(sentence in line for line in found), f"{path} {include}: {found}")

    def allowed(self, path, include):
        self.assertEqual([], problems(path, f"#include {include}\n"))

    def test_upwards(self):
        self.caught("reconcilers/model/x.h", '"reconcilers/manifest/view.h"', "may not include")
        self.caught("reconcilers/sync/x.cc", '"agent/engine/event.h"', "may not include")
        self.caught("agent/git/x.cc", '"agent/app/runtime.h"', "may not include agent/app")

    def test_sideways(self):
        self.caught("reconcilers/rayjob/x.cc", '"reconcilers/raycluster/reconcile.h"',
                    "may not include reconcilers/raycluster")
        self.caught("agent/git/x.cc", '"agent/kubernetes/client.h"', "may not include")
        self.caught("agent/local_cluster/server/x.cc", '"agent/engine/event.h"', "may not include")

    def test_more_of_a_room_than_is_allowed(self):
        self.caught("agent/kubernetes/x.cc", '"reconcilers/manifest/pod.h"', "may include only")
        self.allowed("agent/kubernetes/x.cc", '"reconcilers/manifest/view.h"')

    def test_a_library_of_another_room(self):
        self.caught("agent/engine/x.cc", "<curl/curl.h>", "may not use curl")
        self.caught("reconcilers/raycluster/x.cc", "<yaml-cpp/yaml.h>", "may not use yaml-cpp")
        self.allowed("agent/loop/x.cc", "<curl/curl.h>")

    def test_a_heavy_library_in_a_header(self):
        self.caught("agent/loop/x.h", "<curl/curl.h>", "in source files only")
        self.caught("reconcilers/model/x.h", "<nlohmann/json.hpp>", "in source files only")
        self.allowed("reconcilers/model/x.h", "<nlohmann/json_fwd.hpp>")

    def test_the_operating_system_in_a_pure_room(self):
        self.caught("agent/engine/x.cc", "<unistd.h>", "operating system")
        self.caught("reconcilers/status/x.cc", "<sys/stat.h>", "operating system")
        self.caught("reconcilers/status/x.cc", "<fstream>", "no use for <fstream>")
        self.caught("agent/engine/x.cc", "  <thread>".strip(), "no use for <thread>")
        self.allowed("agent/git/x.cc", "<unistd.h>")

    def test_a_path_that_is_not_from_the_root(self):
        self.caught("agent/git/x.cc", '"child.h"', "from the repository's root")

    def test_a_folder_that_is_not_in_the_table(self):
        found = problems("agent/novelty/x.cc", "")
        self.assertEqual([], found)  # agent/ itself is a room, of main.cc
        self.caught("agent/novelty/x.cc", '"agent/git/child.h"', "agent may not include")
        self.assertIn("not in the table", problems("reconcilers/novelty/x.cc", "")[0])


class PlantedRatchet(unittest.TestCase):
    def caught(self, path, text, sentence):
        found = problems(path, text)
        self.assertTrue(any(sentence in line for line in found), found)

    def test_throw_and_catch(self):
        self.caught("agent/git/x.cc", "void f() { throw 1; }\n", "'throw'")
        self.caught("reconcilers/sync/x.cc", "} catch (...) {\n", "'catch'")

    def test_throw_in_words_is_nothing(self):
        text = '// never throws, may throw\nauto s = "throw";\nauto c = \'"\'; /* catch */\n'
        self.assertEqual([], problems("agent/git/x.cc", text))

    def test_catch_in_an_adapter_is_allowed(self):
        self.assertEqual([], problems(table.MAY_CATCH[0], "} catch (...) {\n"))

    def test_a_clock_in_a_pure_room(self):
        text = "auto t = std::chrono::steady_clock::now();\n"
        self.caught("agent/engine/x.cc", text, "reads no clock")
        self.assertEqual([], problems("agent/loop/x.cc", text))

    def test_a_long_file(self):
        self.caught("agent/git/x.cc", "\n" * (table.FILE_LINES_MAX + 1), "501 lines")
        self.assertEqual([], problems("agent/git/x.cc", "\n" * table.FILE_LINES_MAX))

    def test_a_long_line(self):
        self.caught("tests/unit/x.cc", "a" * 101 + "\n", "101 columns")
        self.assertEqual([], problems("tests/unit/x.cc", "ü" * 100 + "\n"))
        self.caught("scripts/x", "#!/bin/bash\n" + "a" * 101, "101 columns")

    def test_an_unfinished_mark(self):
        mark = "TO" + "DO"
        self.caught("agent/git/x.cc", f"// {mark}\n", mark)
        self.caught("docs/x.md", f"{mark}: later\n", mark)
        reason = f"// {mark}: drop when libgit2 1.8 is in Debian\n"
        self.assertEqual([], problems("agent/git/x.cc", reason))

    def test_a_path_of_one_machine(self):
        for path in ("/ro" + "ot/x", "/ho" + "me/jane/x"):
            self.caught("docs/x.md", f"see {path}\n", "path of one machine")
        self.assertEqual([], problems("docs/x.md", "see $HOME/x, src/root/x, /var/lib/x\n"))


if __name__ == "__main__":
    unittest.main()
