# Whether the plan as it is now may be applied. In come the commit, the plan document, as $facts the merged pull request, our comments on it
# with the oldest first, and its reviews; the plan as a comment would show it now; how the commit stands to the one that was applied last;
# and a checksum that somebody gave by hand → three lines: the checksum to apply, or nothing; the commit to apply it for, or nothing where that
# has been applied; the reason why nothing is applied.
include "essence";

# `FORMULA` of `provisioner/planfile/checksum.py`.
def formula: "3";

def short: "`\(.[:7])`";
def plain: sub("^sha256:"; "");
def pull: $facts[0];
def comments: $facts[1];
def reviews: $facts[2];
def plan: $plan[0];
def applied: plan.lock.applied;
def comment: comments[-1] // null;
def first_of_head:
  comment as $last
  | (comments[:-1] | all(.head.commit != $last.head.commit))
    and (($last.head.earlier // "") | split(" ") | index([$last.head.commit]) | not);
def approvals: reviews | map(select(.state == "APPROVED" and .commit_id == pull.head.sha) | .submitted_at);

# What is wrong with the approval itself, whatever is planned now.
def unapproved:
  if pull == null then
    "No merged pull request made the commit \($commit | short), so nobody was shown a plan for it."
  elif comment == null then
    "The pull request has no comment with a plan. There is none for a fork, for a bot, or before the plan is made."
  elif comment.edited then
    "The comment with the plan was edited by `\(comment.edited)`."
  elif comment.head.commit != pull.head.sha then
    "The plan was shown for the commit \(comment.head.commit // "-" | short), and \(pull.head.sha | short) was merged."
  elif comment.shown > pull.merged_at then
    "The plan was shown only after the merge."
  elif comment.head.checksum == null then
    "The pull request showed no plan that can be applied."
  elif comment.head.formula != formula then
    "The plan was shown by another release of provisioner, whose checksums mean something else. Plan again."
  elif (first_of_head | not) and (approvals | length > 0) and (approvals | max) <= comment.shown then
    "The plan of this commit was shown anew after it was approved, and differs from what was shown before."
  else
    null
  end;

def other_plan($checksum):
  "The plan is not the one that was approved, whose checksum is `\($checksum)`. Something that it depends on has changed since, by another"
  + " merge or at the service.";

# What is wrong with the plan as it is now, for an approval that is good.
def unlike:
  if applied.commit == $commit then
    if applied.left == [] then
      "What this commit has shown was applied already. What the plan shows now has changed at the service since then."
    elif (plan.rows - applied.left) != [] then
      "What this commit has shown was applied in part, and the plan does more now than what was left of it."
    elif ([applied.checksum, plan.checksum] | index(comment.head.checksum)) == null then
      other_plan(comment.head.checksum)
    else
      null
    end
  elif comment.head.checksum != plan.checksum then
    other_plan(comment.head.checksum)
  elif comment.essence != ($text | essence($runs)) then
    "The text of the comment is not what this plan shows, though its checksum is. Something has changed that is shown beside the plan,"
    + " another release has written it, or somebody has put other words in its place."
  else
    null
  end;

def reason:
  if $relation == "behind" then
    "A later commit, \(applied.commit | short), was applied already; this one is older than what is at the service."
  elif $given != "" then
    if ($given | plain) == (plan.checksum | plain) then null else other_plan($given) end
  else
    unapproved // unlike
  end;

reason as $reason
| if $reason then "", "", $reason
  elif $given != "" then $given, (if applied.commit == $commit then "" else $commit end), ""
  else comment.head.checksum, $commit, ""
  end
