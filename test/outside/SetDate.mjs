/**
 * Node loads this module before a program (`--import`): the program's date then begins at `PROGRAM_DATE`, and runs at the usual
 * rate. Plain JavaScript, because npm's own Node loads it too.
 */
const begin = Date.parse(process.env["PROGRAM_DATE"])
if (Number.isNaN(begin)) throw new Error("PROGRAM_DATE is not a time, such as 2040-11-30T12:00:00Z")

const now = () => Math.floor(begin + performance.now())

globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: (target) => new target(now()).toString(),
  get: (target, name, receiver) => (name === "now" ? now : Reflect.get(target, name, receiver))
})
