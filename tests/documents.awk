# Turns the tables of documents into tests. Of each row the code is run; where a last column holds a
# shape, the code is an expression of that shape.
function trim(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }
function code(cell) { cell = trim(cell); return cell ~ /^`.*`$/ ? substr(cell, 2, length(cell) - 2) : "" }

FNR == 1 { suite = FILENAME; sub(/^.*\//, "", suite); sub(/\.md$/, "", suite); if (suite == "nn") suite = "nn_" }
/^\|/ {
  columns = split($0, cell, "|") - 1  # before the first and behind the last bar there is nothing
  shape = trim(cell[columns])
  statement = code(cell[columns])
  if (shape ~ /^\[.*\]$/) {
    statement = code(cell[columns - 1])
    gsub(/[][]/, "", shape)
    statement = "EXPECT_EQ((" statement ").shape(), Shape({" shape "}));"
  }
  if (statement == "") next
  printf "TEST_F(%s, line_%d) {\n#line %d \"%s\"\n%s\n}\n", suite, FNR, FNR, FILENAME, statement
}
