import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Access from "../../../src/core/sites/Access.ts"
import * as CredentialQuery from "../../../src/core/sites/CredentialQuery.ts"
import * as Cursor from "../../../src/core/text/Cursor.ts"

const Site = Schema.Literals(["a", "b", "c"])
const Sites = Schema.Union([Schema.Literal("all"), Schema.Array(Site)])
const Item = Schema.Struct({ sites: Sites, time: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })) })
const Size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 }))

describe("core/sites/CredentialQuery", () => {
  it.prop(
    "the parts of a list, one after the other, hold once each what the caller manages and what reaches the website",
    [Schema.Array(Item), Sites, Schema.NullOr(Site), Size],
    ([given, sites, reaching, limit]) => {
      const items = given.map((item, index) => ({ ...item, id: String(index).padStart(3, "0") }))
      const positionOf = ({ id, time }: (typeof items)[number]): Cursor.Position => ({ id, time })
      const listed: Array<(typeof items)[number]> = []
      for (let after: Cursor.Position | null = null, isFirst = true; isFirst || after !== null; isFirst = false) {
        const found = CredentialQuery.select(items, { sites, reaching, after, limit: limit + 1 }, (item) => ({
          access: { scope: "read", sites: item.sites },
          position: positionOf(item)
        }))
        const part: Cursor.Part<(typeof items)[number]> = Cursor.partOf(found, limit, positionOf)
        assert.isAtMost(part.items.length, limit)
        listed.push(...part.items)
        after = part.next
      }
      const expected = items
        .filter(
          (item) =>
            Access.manages({ scope: "write", sites }, { scope: "read", sites: item.sites }) &&
            (reaching === null || item.sites === "all" || item.sites.includes(reaching))
        )
        .sort((left, right) => left.time - right.time || (left.id < right.id ? -1 : 1))
      assert.deepStrictEqual(listed, expected)
    }
  )
})
