/**
 * The data folder of a new, empty cluster. The test run creates it once, because `initdb` takes longer than most tests, and a
 * cluster that starts in a copy of it does not run `initdb`.
 *
 * @module
 */
import { execFileSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import path from "node:path"

/** The environment variable with the path of the prepared folder. Test workers inherit it. */
const variable = "PREPARED_CLUSTER"

/** Sets the prepared folder for `copyTo`; undefined for none. */
export const set = (data: string | undefined): void => {
  if (data === undefined) delete process.env[variable]
  else process.env[variable] = data
}

/**
 * Copies the data folder into the folder of a cluster before its first start. Outside a test run there is nothing to copy, and
 * the first start creates the data.
 */
export const copyTo = (dataDir: string): void => {
  const data = process.env[variable]
  if (data === undefined) return
  mkdirSync(dataDir, { recursive: true })
  // `-p` keeps the owner. The server refuses files of another owner.
  execFileSync("cp", ["-Rp", data, path.join(dataDir, "data")])
}
