# What a plan of provisioner may do, for conftest and OPA.
#
#     provisioner plan --json > plan.json
#     conftest test --policy examples/policy plan.json
#
# The document has Terraform's field names. It lists what changes; what stays as it is, is only counted.
package main

import rego.v1

# What a team sets. Here, so that it is reviewed like everything else.
kept_kinds := {"vector_store", "vault"}

models := {"gpt-4.1", "gpt-4o", "gpt-5.6"}

most_deletes := 3

# These may go, and why.
waived := {"file.docs/old-handbook.md": "superseded by the new edition"}

deny contains message if {
	some row in deleted
	row.type in kept_kinds
	not waived[row.address]
	message := sprintf("`%s` would be deleted; a %s is kept", [row.address, row.type])
}

deny contains message if {
	rows := [row | some row in deleted; not waived[row.address]]
	count(rows) > most_deletes
	message := sprintf("%d resources would be deleted; at most %d go at once", [count(rows), most_deletes])
}

deny contains message if {
	some row in input.resource_changes
	row.type == "assistant"
	model := row.change.after.model
	not model in models
	message := sprintf("`%s` would use `%s`, which is not on the list", [row.address, model])
}

# provisioner says itself what widens access: new tools and servers, further documents, the network.
warn contains message if {
	some remark in input.review
	remark.section == "widens"
	message := sprintf("`%s`: %s", [remark.address, remark.text])
}

warn contains message if {
	some problem in input.problems
	problem.severity == "warning"
	message := sprintf("%s: %s", [problem.summary, problem.detail])
}

# A replacement is not one of them: the new object is there before the old one goes.
deleted contains row if {
	some row in input.resource_changes
	row.change.actions == ["delete"]
}
