/**
 * Vitest evaluates this file again before each test file, and what it imports once for each worker. Plain JavaScript, because Node would
 * strip its types each time.
 */
import path from "node:path"
import * as PropertySeed from "./PropertySeed.ts"
import * as Recorder from "./responses/Recorder.ts"

PropertySeed.nameInErrors()
Recorder.forget()

// For the scripts that tests start: a short script spends half of its processor time on loading modules. The workers have no such cache:
// a test file's URL is another one in each run, and filling the cache of a new clone takes longer than five workers compile without one.
process.env["NODE_COMPILE_CACHE"] ??= path.join(import.meta.dirname, "../../node_modules/.cache/compile")
