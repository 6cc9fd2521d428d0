// Makes records with json-schema-faker: node generator.mjs NODE_MODULES SCHEMA COUNT SEED
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import path from "node:path";

const [modules, schemaPath, count, seed] = process.argv.slice(2);
const folder = path.join(modules, "json-schema-faker");
const about = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
const { createGenerator } = await import(pathToFileURL(path.join(folder, about.main)).href);
const schema = JSON.parse(readFileSync(schemaPath, "utf8"));
const generator = createGenerator({ seed: Number(seed) + 1, alwaysFakeOptionals: true });

async function make(records) {
  let bytes = 0;
  for (let at = 0; at < records; at += 1) {
    const line = `${JSON.stringify(await generator.generate(schema))}\n`;
    bytes += Buffer.byteLength(line);
  }
  return bytes;
}

await make(300); // its functions are compiled before they are measured
const before = process.cpuUsage();
const bytes = await make(Number(count));
const { user, system } = process.cpuUsage(before);
const seconds = (user + system) / 1e6;
console.log(JSON.stringify({ records_per_second: Number(count) / seconds, bytes: bytes / Number(count) }));
