#pragma once
// What all users of BLAS and LAPACK here agree on.

// OpenBLAS' own; <cblas.h> cannot be included beside xtensor-blas.
extern "C" {
void openblas_set_num_threads(int count);
char* openblas_get_config();
char* openblas_get_corename();
}

namespace reel::kernels {

/// The library splits work by itself, so OpenBLAS must not: its own threads make small products
/// slower.
inline void keep_blas_single_threaded() {
  [[maybe_unused]] static const bool done = (openblas_set_num_threads(1), true);
}

}  // namespace reel::kernels
