# What to do with the comment of a plan: our comments about the place, the oldest first → three lines: `keep`, `edit` or `new`; the comment
# that is kept, edited or outdated by a new one; the earlier commits that it has told of.
include "essence";

($text | head) as $head
| (.[-1] // null) as $last
| ($last.head // {}) as $old
| if $last == null then "new", "", ""
  elif $old.commit != $head.commit then
    "edit", $last.id, ((($old.earlier // "") | split(" ")) + [$old.commit // empty] | map(select(. != "")) | unique | .[-50:] | join(" "))
  elif $old.checksum == null and $head.checksum == null then "edit", $last.id, ($old.earlier // "")
  elif $old.checksum == $head.checksum and $last.edited == null and $last.essence == ($text | essence($runs)) then "keep", $last.id, ""
  else "new", $last.id, ""
  end
