// Catch2 v2 makes main() from this macro; v3 links it from a library and ignores the macro.
#define CATCH_CONFIG_MAIN
#include "catch.h"
