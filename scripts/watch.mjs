/**
 * Runs the demo. Node starts this script again when a file in `src` changes (`--watch-path`), so that the demo serves what was just
 * built.
 */
import * as Built from "./built.mjs"

await Built.update()
process.argv.splice(2, 0, "demo")
await import("../src/main.js")
