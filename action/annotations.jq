# Problems, and what stops a plan → workflow commands that annotate the lines of the files. What may come from anybody is escaped.
def plain: gsub("(?![\\r\\n\\t])[\\p{Cc}\\p{Cf}]"; "\uFFFD");
def data: plain | gsub("%"; "%25") | gsub("\r"; "%0D") | gsub("\n"; "%0A");
def property: data | gsub(":"; "%3A") | gsub(","; "%2C");
def level: if . == "error" or . == "warning" then . else "notice" end;
def place: if $folder == "." then . else "\($folder)/\(.)" end;

(.problems[], (.blocked // [] | .[] | {severity: "error", summary: "Plan is stopped", detail}))
| [
    (select(.file) | "file=\(.file | place | property)"),
    (select(.file and .line) | "line=\(.line)"),
    (select(.file and .line and .column) | "col=\(.column)"),
    "title=\(.summary | property)"
  ] as $where
| "::\(.severity | level) \($where | join(","))::" + ([.detail, (.hint // empty | "hint: \(.)")] | join("\n") | data)
