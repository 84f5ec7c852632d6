#pragma once

namespace ray_gitops::app {

// The program: reads the command line, runs the command, gives the exit code.
int run(int argc, char** argv);

}  // namespace ray_gitops::app
