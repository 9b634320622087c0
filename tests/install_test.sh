#!/bin/sh
# Installs the build into a prefix of its own and uses it as others would: plain compiler calls with
# pkg-config for each program of tests/contract, and find_package(reel) with both libraries.
# Arguments: cmake, build folder, C++ compiler, further compiler flags.
set -eu
cmake=$1 build=$2 compiler=$3
shift 3
contract=$(cd "$(dirname "$0")/contract" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --prefix "$work/prefix" >"$work/install.log"
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name reel.pc)")
export PKG_CONFIG_PATH

for program in "$contract"/*.cpp; do
  name=$(basename "$program" .cpp)
  echo "== $name"
  # shellcheck disable=SC2046
  "$compiler" "$@" -std=c++20 "$program" $(pkg-config --cflags --libs reel fmt) -o "$work/$name"
  (cd "$work" && "./$name")
done

echo "== find_package"
mkdir "$work/consumer"
cat >"$work/consumer/CMakeLists.txt" <<EOF
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES CXX)
find_package(reel 0.1 REQUIRED)
add_executable(shared "$contract/function.cpp")
target_link_libraries(shared PRIVATE reel::reel)
add_executable(static "$contract/function.cpp")
target_link_libraries(static PRIVATE reel::static)
EOF
# A bare machine may have Ninja but no make.
if command -v ninja >/dev/null; then export CMAKE_GENERATOR=Ninja; fi
"$cmake" -S "$work/consumer" -B "$work/consumer/build" -DCMAKE_PREFIX_PATH="$work/prefix" \
  -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_FLAGS="$*" >"$work/consumer.log" ||
  { cat "$work/consumer.log"; exit 1; }
"$cmake" --build "$work/consumer/build"
"$work/consumer/build/shared"
"$work/consumer/build/static"
