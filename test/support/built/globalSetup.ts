/**
 * Makes the files that the service serves, if their sources have changed since they were made.
 *
 * @module
 */
import * as Built from "../../../scripts/built.mjs"

/** Vitest calls this before the first worker starts. */
export default Built.update
