/** The systemd unit of `scripts/deploy`, and the environment file of the operator's guide. */
import * as Documents from "./Documents.ts"

export const operator = "src/docs/operator.md"

/** `NAME=value` lines, as systemd reads them. */
const assignments = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text
      .split("\n")
      .filter((line) => /^[A-Za-z]+[A-Za-z_]*=/.test(line))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)])
  )

export const unitFile = "scripts/deploy/hydracore-edge.service"

export const unit = assignments(Documents.textOf(unitFile))
export const environment = assignments(Documents.onlyBlock(operator, "env"))

/** The parts of `ExecStart`: node, its flags, the program and its arguments. */
export const start = (() => {
  const [node = "", ...words] = (unit["ExecStart"] ?? "").split(" ")
  const at = words.findIndex((word) => !word.startsWith("--"))
  return { node, flags: words.slice(0, at), program: words[at] ?? "", args: words.slice(at + 1) }
})()
