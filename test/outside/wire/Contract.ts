/**
 * The goldens of the published contract, which were recorded from a service of HydraCore: each request, and the status and errors
 * of its response. Of a parser's messages and offsets, the contract fixes only the beginning.
 *
 * @module
 */
import { readFileSync } from "node:fs"
import path from "node:path"
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Edge } from "./Edge.ts"
import { exchange } from "./Http.ts"

const Errors = Schema.Array(Schema.Struct({ type: Schema.String, loc: Schema.Array(Schema.Json), msg: Schema.String }))

const Goldens = Schema.Array(
  Schema.Struct({
    name: Schema.String,
    path: Schema.String,
    body: Schema.String,
    headers: Schema.Record(Schema.String, Schema.String),
    status: Schema.Int,
    detail: Schema.NullOr(Errors)
  })
)

type Golden = (typeof Goldens.Type)[number]

const goldens = Schema.decodeUnknownSync(Schema.fromJsonString(Goldens))(
  readFileSync(path.join(import.meta.dirname, "goldens/contract.json"), "utf8")
)

/** The part of an error that must be equal. */
const essence = ({ loc, msg, type }: (typeof Errors.Type)[number]): string =>
  JSON.stringify({
    type,
    loc: type === "json_invalid" ? loc.slice(0, 1) : loc,
    msg: type === "uuid_parsing" ? msg.slice(0, "Input should be a valid UUID".length) : msg
  })

const errorsOf = (body: string) =>
  Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ detail: Errors })))(body).detail

/** The ids that the requests name. */
const instances = ["497f6eca-6276-4993-bfeb-53cbbbba6f08", "72771e6a-6f5e-4de4-a5b9-1266c4197811"]
const sites = ["72771e6a-6f5e-4de4-a5b9-1266c4197811", "ffffffff-ffff-ffff-ffff-ffffffffffff"]

/** Stores what the requests name. Returns a token of each instance. */
const seed = Effect.fnUntraced(function* ({ agent, run, sql }: Edge) {
  for (const id of sites) {
    yield* sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
      VALUES (${id}::uuid, ${id}::uuid, ${id}::uuid, 'Contract')`
  }
  for (const id of instances) {
    yield* sql`INSERT INTO instance (instance_id, name, agent_url) VALUES (${id}::uuid, 'Contract', ${agent.url})`
  }
  return yield* Effect.forEach(instances, (id) =>
    Effect.map(run("token", "issue", "--instance", id), ({ token = "" }) => token)
  )
})

/** A valid token of the instance in a path, if it names one, in whatever spelling. The goldens contain no tokens. */
const tokenFor = (requested: string, tokens: ReadonlyArray<string>): Readonly<Record<string, string>> => {
  const [, id = ""] = /\/widget\/([^/]+)\//.exec(decodeURIComponent(requested)) ?? []
  const digits = id.toLowerCase().replace(/^urn:uuid:|[{}-]/g, "")
  const token = tokens[instances.findIndex((instance) => instance.replaceAll("-", "") === digits)]
  return token === undefined ? {} : { "x-widget-token": token }
}

/** How the response to a golden's request differs from the golden; undefined if it does not. */
const differenceOf = async (golden: Golden, url: string, headers: Readonly<Record<string, string>>) => {
  const { body, status } = await exchange(url, { ...golden, headers: { ...headers, ...golden.headers } })
  const title = `${golden.path} ${golden.name.slice(0, 80)}`
  if (status !== golden.status) return `${title}: ${status}, not ${golden.status}: ${body}`
  if (status !== 422) return undefined
  const [actual, wanted] = [errorsOf(body), golden.detail ?? []].map((errors) => errors.map(essence).sort().join())
  return actual === wanted ? undefined : `${title}: ${actual}, not ${wanted}`
}

export const check = Effect.fnUntraced(function* (edge: Edge) {
  assert.strictEqual(goldens.length, 169)
  const tokens = yield* Effect.orDie(seed(edge))
  const differences = yield* Effect.forEach(
    goldens,
    (golden, index) =>
      Effect.promise(() =>
        differenceOf(golden, edge.url, { "x-forwarded-for": `203.0.113.${index}`, ...tokenFor(golden.path, tokens) })
      ),
    { concurrency: 16 }
  )
  assert.deepStrictEqual(
    differences.filter((difference) => difference !== undefined),
    []
  )
})
