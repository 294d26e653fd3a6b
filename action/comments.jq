# Pages of comments or issues → those about $place that the identity of the token has written, the oldest first. What one is about stands
# in its head: the hidden lines at the very beginning. A marker further down, or in somebody else's text, counts nothing.
include "essence";

[
  .[].data.repository
  | (.pullRequest.comments // .issues).nodes[]
  | select(.viewerDidAuthor)
  | {
      id: (.databaseId // .number),
      url,
      shown: (.lastEditedAt // .createdAt),
      edited: (if .editor and .editor.login != .author.login then .editor.login else null end),
      head: (.body | head),
      essence: (.body | essence($runs))
    }
  | select(.head.place == $place)
]
