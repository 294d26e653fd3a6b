# `FORMULA` of `provisioner/planfile/checksum.py`.
def formula: "3";

# Who approved which plan: the merged pull request and our comment on it → two lines: the checksum, or
# nothing; the reason why nobody could have approved, or nothing.
def short: "`\(.[:7])`";
def reason:
  if $pull == null then
    "No merged pull request made the commit \($commit | short), so nobody was shown a plan for it."
  elif $comment == null then
    "The pull request has no comment with a plan. There is none for a fork, for a bot, or before the plan is made."
  elif $comment.edited then
    "The comment with the plan was edited by `\($comment.edited)`."
  elif $comment.head.commit != $pull.head.sha then
    "The plan was shown for the commit \($comment.head.commit // "-" | short), and \($pull.head.sha | short) was merged."
  elif $comment.shown > $pull.merged_at then
    "The plan was shown only after the merge."
  elif $comment.head.checksum == null then
    "The pull request showed no plan that can be applied."
  elif $comment.head.formula != formula then
    "The plan was shown by another release of provisioner, whose checksums mean something else. Plan again."
  else
    null
  end;

if $given != "" then $given, ""
else reason as $reason | if $reason then "", $reason else $comment.head.checksum, "" end
end
