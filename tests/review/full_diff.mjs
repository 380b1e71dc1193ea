// Prints what CDK's own engine says of pairs of templates: by pair, by logical ID, the impact.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { fullDiff } = createRequire(`${process.argv[2]}/package.json`)("@aws-cdk/cloudformation-diff");
const said = JSON.parse(readFileSync(0, "utf8")).map(([before, after]) => {
  const found = {};
  fullDiff(before, after).resources.forEachDifference((name, change) => {
    found[name] = change.changeImpact;
  });
  return found;
});
process.stdout.write(JSON.stringify(said));
