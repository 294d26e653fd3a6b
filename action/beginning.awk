# The beginning of a Markdown text: up to its first details, or for as long as there is room. A fence is shown whole or
# not at all; one that is left open would swallow what follows.
/^<details/ && !fence { exit }
(room -= length($0) + 1) < 0 { exit }
match($0, /^(```+|~~~+)/) {
  mark = substr($0, 1, RLENGTH)
  if (!fence) { fence = mark; held = $0; next }
  if (index(mark, fence) == 1 && $0 ~ /^[`~]+ *$/) { fence = ""; print held; print; next }
}
fence { held = held "\n" $0; next }
{ print }
