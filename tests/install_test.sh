#!/bin/sh
# Installs the build into a prefix of its own and uses it as others would: plain compiler calls with
# pkg-config for each program of tests/contract, and find_package(reel) with both libraries. If the
# library has variants, each must be loaded where it is the best that the processor has.
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

if [ -n "$(find "$work/prefix" -name glibc-hwcaps)" ]; then
  printf '%s\n' '#include <reel/reel.h>' '#include <iostream>' \
    'int main() { std::cout << reel::config(); }' >"$work/config.cpp"
  # shellcheck disable=SC2046
  "$compiler" "$@" -std=c++20 "$work/config.cpp" $(pkg-config --cflags --libs reel) -o "$work/config"
  for hidden in AVX2 AVX512F nothing; do
    export GLIBC_TUNABLES="glibc.cpu.hwcaps=-$hidden"
    case $(/lib64/ld-linux-x86-64.so.2 --help | grep supported) in
      *x86-64-v4*) instructions=avx512 ;;
      *x86-64-v3*) instructions=avx2 ;;
      *) instructions=sse2 ;;
    esac
    echo "== without $hidden: $instructions"
    "$work/config" | grep "vector instructions: .*$instructions"
    for program in "$contract"/*.cpp; do (cd "$work" && "./$(basename "$program" .cpp)" >/dev/null); done
  done
  unset GLIBC_TUNABLES
fi

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
