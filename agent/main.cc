#include "agent/app/main.h"

int main(int argc, char** argv) { return ray_gitops::app::run(argc, argv); }
