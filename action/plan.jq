# A plan document, or only problems → three lines: whether it is a plan; its checksum; what it says in a line.
def counted:
  [.summary | del(.unchanged) | to_entries[] | select(.value > 0) | "\(.value) to \(.key)"]
  | join(", ") | if . == "" then "no resource changes" else . end;

if .format_version then "plan", .checksum, counted else "problems", "", ([.problems[].summary] | unique | join(", ")) end
