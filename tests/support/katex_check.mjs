// Parse formulas with KaTeX: [{latex, display}] as JSON on stdin, one message or null for each on stdout.
// Usage: node katex_check.mjs <katex folder>
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const { default: katex } = await import(pathToFileURL(join(resolve(process.argv[2]), "dist", "katex.mjs")));
const formulas = JSON.parse(readFileSync(0, "utf8"));

// Whatever LaTeX itself would reject or ignore counts: Unicode outside \text, \\ outside an environment.
// Collected here because strict: "error" lets the latter pass in silence.
function problem({ latex, display }) {
  const strictly = [];
  try {
    katex.renderToString(latex, {
      displayMode: display,
      throwOnError: true,
      strict: (code, message) => (strictly.push(`${message} [${code}]`), "ignore"),
      maxExpand: 100000, // a long derivation holds many macros; the default stops at 1000
    });
  } catch (error) {
    return String(error.message ?? error);
  }
  return strictly.length ? strictly.join("; ") : null;
}

process.stdout.write(JSON.stringify(formulas.map(problem)));
