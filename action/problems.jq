# Problems, or what a command has said, → Markdown: a heading and one fence that nothing in it can close.
def plain: gsub("(?![\\n\\t])[\\p{Cc}\\p{Cf}]"; "\uFFFD");
def lines: split("\n") | map("  " + .) | join("\n");
def place: [.file // .address, .line, .column] | map(select(. != null) | tostring) | join(":");
def text:
  "\(place | if . == "" then "" else . + ": " end)\(.severity): \(.summary)\n\(.detail | lines)"
  + (if .hint then "\n" + ("hint: \(.hint)" | lines) else "" end);
def fence: ([match("`+"; "g").length] | max // 0) as $run | "`" * ([3, $run + 1] | max);

# Of a log the problems at its end, which are what made the command fail.
def ending: (capture("(^|\n)(?<text>([^ \n][^\n]*: )?error: .*)"; "m").text) // .[-4000:];

((.log | values | ending) // (.problems | map(text) | join("\n\n")) | plain | .[:20000] | rtrimstr("\n")) as $text
| ($text | fence) as $fence
| "## \($heading)\n\n\($fence)text\n\($text)\n\($fence)"

