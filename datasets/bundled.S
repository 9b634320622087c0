// The bytes of the bundled data files; the folder they are in is an include directory of this file.

.macro bundle name, file
  .globl reel_bundled_\name
  .globl reel_bundled_\name\()_end
  .hidden reel_bundled_\name
  .hidden reel_bundled_\name\()_end
  .balign 16
reel_bundled_\name:
  .incbin "\file"
reel_bundled_\name\()_end:
.endm

.section .rodata
bundle digits_images, "digits-images-idx3-ubyte.gz"
bundle digits_labels, "digits-labels-idx1-ubyte.gz"
bundle iris, "iris.csv"
bundle eckerle4, "Eckerle4.csv"

.section .note.GNU-stack, "", %progbits
