/**
 * The picture in `src/README.md` is what the imports of `src` are, and no files import each other in a circle.
 */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as House from "../../scripts/house.ts"

const Arrows = Schema.Array(
  Schema.Tuple([Schema.Literals(["a", "b", "c", "d", "e"]), Schema.Literals(["a", "b", "c", "d", "e"])])
)

const importsOf = (arrows: ReadonlyArray<readonly [string, string]>): House.Imports =>
  new Map([..."abcde"].map((file) => [file, new Set(arrows.flatMap(([from, to]) => (from === file ? [to] : [])))]))

/** Whether one leads to the other, by Warshall's algorithm. */
const closure = (imports: House.Imports): ReadonlySet<string> => {
  const closed = new Set([...imports].flatMap(([from, targets]) => [...targets].map((to) => `${from}${to}`)))
  for (const middle of "abcde")
    for (const from of "abcde")
      for (const to of "abcde")
        if (closed.has(`${from}${middle}`) && closed.has(`${middle}${to}`)) closed.add(`${from}${to}`)
  return closed
}

describe("the house", () => {
  const imports = House.read(House.source)

  it("is drawn in src/README.md as it is; `node scripts/house.ts` draws it again", () => {
    assert.strictEqual(
      House.block.exec(readFileSync(House.readme, "utf8"))?.[0],
      House.picture(House.foldersOf(imports))
    )
  })

  it("has a caption for each folder, and none for others", () => {
    assert.sameMembers(Object.keys(House.captions), [...House.foldersOf(imports).keys()])
  })

  it("has no circle of imports, neither between files nor between folders", () => {
    assert.deepStrictEqual(House.circles(imports), [])
    assert.deepStrictEqual(House.circles(House.foldersOf(imports)), [])
  })

  it("knows static and dynamic imports, also of types", () => {
    assert.isTrue(imports.get("main.ts")?.has("cli/Main.ts"), "dynamic")
    assert.isTrue(imports.get("pages/Docs.ts")?.has("pages/Built.ts"), "static")
    assert.isTrue(imports.get("pages/StaticContent.ts")?.has("pages/Built.ts"), "types")
  })
})

describe("scripts/house", () => {
  it.prop("a file is in a circle if an import leads back to it", [Arrows], ([arrows]) => {
    const imports = importsOf(arrows)
    const closed = closure(imports)
    assert.sameMembers(
      House.circles(imports).flat(),
      [..."abcde"].filter((file) => closed.has(`${file}${file}`))
    )
  })

  it.prop(
    "what is left of the arrows leads to the same places, and no arrow of it can be left out",
    [Arrows],
    ([arrows]) => {
      const downward = importsOf(arrows.filter(([from, to]) => from < to))
      const left = House.reduced(downward)
      assert.deepStrictEqual(closure(left), closure(downward))
      for (const [from, targets] of left) {
        for (const to of targets) {
          const without = new Map(left).set(from, new Set([...targets].filter((other) => other !== to)))
          assert.isFalse(closure(without).has(`${from}${to}`), `${from} → ${to}`)
        }
      }
    }
  )
})
