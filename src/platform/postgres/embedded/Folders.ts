/**
 * Creates folders for the embedded database.
 *
 * @module
 */
import { existsSync, mkdirSync, statSync } from "node:fs"
import path from "node:path"
import * as SystemErrorCode from "../../text/SystemErrorCode.ts"

/**
 * Creates a folder and its missing parents, each with `mode`; throws the system's error on failure. Node's recursive `mkdir`
 * loops forever if creating a folder in an existing parent fails with ENOENT, as under `/proc`; here each folder is tried once.
 */
export const make = (folder: string, mode?: number): void => {
  const missing: Array<string> = []
  for (let above = path.resolve(folder); !existsSync(above); above = path.dirname(above)) missing.push(above)
  for (const one of missing.toReversed()) {
    try {
      mkdirSync(one, { mode })
    } catch (error) {
      // Another process may have created it first.
      if (SystemErrorCode.of(error) !== "EEXIST" || !existsSync(one)) throw error
    }
  }
  if (!statSync(folder).isDirectory()) throw Object.assign(new Error("It is not a folder"), { code: "ENOTDIR" })
}
