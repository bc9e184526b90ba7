/**
 * Node loads this module before a program (`--import`) to set the program's date. Plain JavaScript, because npm's own Node loads it
 * too.
 *
 * - With `PROGRAM_DATE`, the date begins at this time and runs at the usual rate.
 * - With `PROGRAM_DATE_FILE`, the date is the one in the file, as a `Float64Array` of milliseconds since 1970, so that a test can set
 *   it again and again. With 0, it is the machine's date.
 */
import { openSync, readSync } from "node:fs"

const { now: machineNow } = Date

const running = (text) => {
  const begin = Date.parse(text)
  if (Number.isNaN(begin)) throw new Error("PROGRAM_DATE is not a time, such as 2040-11-30T12:00:00Z")
  return () => Math.floor(begin + performance.now())
}

const ofFile = (file) => {
  const descriptor = openSync(file, "r")
  const value = new Float64Array(1)
  return () => {
    readSync(descriptor, value, 0, value.byteLength, 0)
    return value[0] === 0 ? machineNow() : value[0]
  }
}

const file = process.env["PROGRAM_DATE_FILE"]
const now = file === undefined ? running(process.env["PROGRAM_DATE"]) : ofFile(file)

globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: (target) => new target(now()).toString(),
  get: (target, name, receiver) => (name === "now" ? now : Reflect.get(target, name, receiver))
})
