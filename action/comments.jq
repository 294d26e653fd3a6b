# Pages of comments or issues → the first one about $place that the identity of the token has written. What it is about
# stands in its head. The head is the hidden lines at the very beginning: a marker further down, or in somebody else's text, counts nothing.
def hidden: test("^<!-- provisioner:[a-z]+ [^<>]+ -->\r?$");
def head:
  split("\n") as $lines
  | ($lines | map(hidden) | index([false]) // length) as $length
  | $lines[:$length] | map(capture("provisioner:(?<key>[a-z]+) (?<value>.+) -->")) | from_entries;

[
  .[].data.repository
  | (.pullRequest.comments // .issues).nodes[]
  | select(.viewerDidAuthor)
  | {
      id: (.databaseId // .number),
      url,
      shown: (.lastEditedAt // .createdAt),
      edited: (if .editor and .editor.login != .author.login then .editor.login else null end),
      head: (.body | head)
    }
  | select(.head.place == $place)
][0] // empty
