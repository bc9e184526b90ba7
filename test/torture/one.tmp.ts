import { Effect } from "effect"

const [file, name, json] = process.argv.slice(2)
const m = await import(`/work/main/test/torture/scenarios/${file}.ts`)
const t = performance.now()
const r = await Effect.runPromise(m[name!](JSON.parse(json ?? "{}")))
console.log(name, r, ((performance.now() - t) / 1000).toFixed(1), "s")
process.exit(0)
