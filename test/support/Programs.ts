/**
 * Declares tests that need programs that not every machine has.
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
 * Declares the tests. If a program is missing, they are skipped, and their title says what to install. In CI they fail
 * instead, because nobody notices skipped tests there.
 */
export const describeWith = (programs: ReadonlyArray<NeededProgram>, name: string, tests: () => void): void => {
  const missing = programs.filter(({ executable }) => executable === undefined).map(({ install }) => install)
  const reason = `needs ${missing.join("; ")}`
  if (missing.length === 0) describe(name, tests)
  else if (process.env["CI"] === "true") it(name, () => Promise.reject(new Error(reason)))
  else describe.skip(`${name} (${reason})`, tests)
}
