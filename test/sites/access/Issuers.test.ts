import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { issuanceTree } from "../../../src/sites/access/Issuers.ts"

const Id = Schema.Literals(["a", "b", "c", "d", "e", "f"])
const All = Schema.Array(Schema.Struct({ id: Id, issuer: Schema.NullOr(Id) }))

describe("sites/access/Issuers.issuanceTree", () => {
  it.prop("returns the id and exactly those ids whose chain of issuers leads to it", [Id, All], ([root, rows]) => {
    const issuers = new Map(rows.map(({ id, issuer }) => [id, issuer]))
    const all = [...issuers].map(([id, issuer]) => ({ id, issuer }))
    const leadsTo = (id: string | null | undefined, steps: number): boolean =>
      id === root || (typeof id === "string" && steps > 0 && leadsTo(issuers.get(id as typeof root), steps - 1))
    const expected = [root, ...issuers.keys()].filter((id) => leadsTo(id, all.length))
    assert.deepStrictEqual([...issuanceTree(root, all)].toSorted(), [...new Set(expected)].toSorted())
  })
})
