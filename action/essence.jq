# A text as it is compared: without the hidden lines of its head, the numbers that are only so for the moment (the renderer marks them),
# and the link to a run of our own at its end.
def lines_of: gsub("\r"; "") | split("\n");
def is_hidden: test("^<!-- provisioner:[a-z]+ [^<>]+ -->$");
def hidden_length: map(is_hidden) | index([false]) // length;
def head: lines_of | .[:hidden_length] | map(capture("provisioner:(?<key>[a-z]+) (?<value>.+) -->")) | from_entries;
def shown: lines_of | .[hidden_length:] | join("\n");

def literal: gsub("(?<special>[^A-Za-z0-9/:_ -])"; "\\\(.special)");
def link($runs): "\\[(?<this>[Tt]his run)\\]\\(" + ($runs | literal) + "/runs/[0-9]+\\)(?<rest> has the details\\.</sub>|\\.)\\s*$";
def essence($runs): shown | gsub("\u2062[0-9:]*\u2064"; "\u2062\u2064") | sub(link($runs); "\(.this)\(.rest)") | sub("\\s+$"; "");
