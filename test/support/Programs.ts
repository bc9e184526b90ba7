/**
 * Declares tests that need programs which may not be installed.
 *
 * @module
 */
import { describe, it } from "@effect/vitest"

export interface NeededProgram {
  /** Its path, or undefined if it is not installed. */
  readonly executable: string | undefined
  /** What to install, such as `nginx: apt-get install nginx-light`. */
  readonly install: string
}

/**
 * Without one of the programs the tests are skipped, and their name says what to install; in CI they fail, since skipped
 * tests go unnoticed there.
 */
export const describeWith = (programs: ReadonlyArray<NeededProgram>, name: string, tests: () => void): void => {
  const missing = programs.filter(({ executable }) => executable === undefined).map(({ install }) => install)
  const reason = `needs ${missing.join("; ")}`
  if (missing.length === 0) describe(name, tests)
  else if (process.env["CI"] === "true") it(name, () => Promise.reject(new Error(reason)))
  else describe.skip(`${name} (${reason})`, tests)
}
