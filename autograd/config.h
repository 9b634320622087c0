#pragma once
// What the library runs on: threads, vector instructions, BLAS.

#include <string>

namespace reel {

/// How many threads a kernel may use, the caller's included. At first REEL_NUM_THREADS, or else the
/// processors that the process may run on. Results have the same bits for any number.
int num_threads();
/// The same under PyTorch's name.
inline int get_num_threads() { return num_threads(); }
/// Throws unless n >= 1.
void set_num_threads(int n);

/// A report of several lines: the library's version, the vector instructions it was compiled for,
/// the BLAS with the core it has chosen, and the threads. Warns if OPENBLAS_CORETYPE forces a core;
/// the library never changes that.
std::string config();

}  // namespace reel
