import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Coding, coding, matchesEtag } from "../../src/pages/StaticContent.ts"

const names = Schema.Literals(["br", "gzip", "identity", "zstd", "*", "x-gzip"])
const weights = Schema.Literals(["0", "0.0", "0.001", "0.5", "0.50", "1", "1.000"])
const items = Schema.Array(Schema.Struct({ name: names, weight: Schema.Option(weights) }))

describe("pages/StaticContent: negotiation", () => {
  it("browsers get the smallest coding, and clients without the header get identity", () => {
    const cases: ReadonlyArray<readonly [string | undefined, Coding]> = [
      ["gzip, deflate, br, zstd", "br"],
      ["gzip, deflate", "gzip"],
      ["x-gzip", "gzip"],
      ["GZIP;Q=1", "gzip"],
      ["br;q=0.5, gzip;q=0.8", "gzip"],
      ["br;q=0, *", "gzip"],
      ["*", "br"],
      ["identity, br;q=0.5", "identity"],
      ["br;q=0.5, identity;q=0.5", "br"],
      ["gzip;q=nonsense", "identity"],
      ["gzip;q=2", "identity"],
      ["identity;q=0", "identity"],
      ["deflate", "identity"],
      ["", "identity"],
      [undefined, "identity"]
    ]
    for (const [header, expected] of cases) assert.strictEqual(coding(header), expected, header)
  })

  it.prop(
    "never chooses a coding that the client did not list, or to which it prefers identity",
    [items],
    ([listed]) => {
      const header = listed
        .map(({ name, weight }) => (weight._tag === "None" ? name : `${name} ; q=${weight.value}`))
        .join(" , ")
      const chosen = coding(header)
      if (chosen === "identity") return
      const weightOf = (wanted: ReadonlyArray<string>) =>
        listed
          .filter(({ name }) => wanted.includes(name))
          .map(({ weight }) => (weight._tag === "None" ? 1 : Number(weight.value)))
          .at(-1)
      const weight = weightOf(chosen === "gzip" ? ["gzip", "x-gzip"] : [chosen]) ?? weightOf(["*"]) ?? 0
      assert.isAbove(weight, 0, header)

      assert.isAtLeast(weight, weightOf(["identity"]) ?? 0, header)
    }
  )

  it.prop("chooses one of the codings for any header", [Schema.String], ([text]) => {
    assert.include(["br", "gzip", "identity"], coding(text))
  })

  it.prop(
    "matches a tag only if the header has the tag or a star",
    [Schema.String, Schema.String],
    ([before, after]) => {
      const tag = `"0123-gzip"`
      for (const header of [before, `${before}${tag}${after}`, `${before}, ${tag}, ${after}`]) {
        if (matchesEtag(header, tag)) assert.isTrue(header.includes(tag) || header.includes("*"), header)
      }
    }
  )

  it("matches a tag in a list, strong or weak, and no other", () => {
    for (const header of [`"a-br"`, `W/"a-br"`, `"x", "a-br"`, `"x",W/"a-br" , "y"`, "*", " * "]) {
      assert.isTrue(matchesEtag(header, `"a-br"`), header)
    }
    for (const header of [undefined, "", `"a"`, `"a-gzip"`, "a-br", `"a-br`, `w/"a-br"`, `"*"`]) {
      assert.isFalse(matchesEtag(header, `"a-br"`), header)
    }
  })
})
