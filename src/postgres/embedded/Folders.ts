/**
 * Makes folders on this machine's disk, for the database that stands in one.
 *
 * @module
 */
import { existsSync, mkdirSync, statSync } from "node:fs"
import path from "node:path"
import * as SystemErrorCode from "../../core/text/SystemErrorCode.ts"

/**
 * Makes a folder, and those above it that are missing, each with `mode`; throws the system's error where it cannot. Node's
 * own way to do so tries for ever where the system says of a folder that it is not there whenever one is to be made in it,
 * as under `/proc`; here each is tried once.
 */
export const make = (folder: string, mode?: number): void => {
  const missing: Array<string> = []
  for (let above = path.resolve(folder); !existsSync(above); above = path.dirname(above)) missing.push(above)
  for (const one of missing.toReversed()) {
    try {
      mkdirSync(one, { mode })
    } catch (error) {
      // Another process was faster.
      if (SystemErrorCode.of(error) !== "EEXIST" || !existsSync(one)) throw error
    }
  }
  if (!statSync(folder).isDirectory()) throw Object.assign(new Error("It is no folder"), { code: "ENOTDIR" })
}
