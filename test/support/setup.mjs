/**
 * Vitest evaluates this file again before each test file, and what it imports once for each worker. Plain JavaScript, because Node would
 * strip its types each time.
 */
import * as PropertySeed from "./PropertySeed.ts"
import "./responses/Recorder.ts"

PropertySeed.nameInErrors()
