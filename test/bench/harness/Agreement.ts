/**
 * Sees that a contender does the contract's work before its rate counts: the same requests, the same answers.
 *
 * @module
 */
import { Effect, Option, Schema } from "effect"
import type { Site } from "./Edge.ts"
import { BenchError } from "./Program.ts"

const Receipt = Schema.Struct({
  status: Schema.Literal("received"),
  submission_id: Schema.String.check(Schema.isUUID())
})
const Faults = Schema.Struct({
  detail: Schema.Array(Schema.Struct({ loc: Schema.Array(Schema.Any), type: Schema.String, msg: Schema.String }))
})

interface Probe {
  readonly name: string
  readonly path: string
  readonly body: unknown
  readonly status: number
  /** Whether the body is as it should be; it is given as JSON, or undefined if it is empty. */
  readonly agrees: (body: unknown) => boolean
}

const track = "/v1/public/analytics/track"
const submit = "/v1/public/forms/submit"

/** Whether a 422 names a field. */
const names = (field: string) => (body: unknown) =>
  Option.exists(Schema.decodeUnknownOption(Faults)(body), ({ detail }) =>
    detail.some(({ loc }) => loc[0] === "body" && loc[1] === field)
  )

const probes = (site: Site): ReadonlyArray<Probe> => {
  const view = { site_id: site.trackingToken, page_path: "/agreement", referrer: null, screen_width: 1440 }
  const form = { site_id: site.websiteConfigId, form_data: { name: "Ada" }, email: "ada@example.org" }
  const isEmpty = (body: unknown) => body === undefined
  return [
    { name: "a page view", path: track, body: view, status: 204, agrees: isEmpty },
    {
      name: "a page view without a path",
      path: track,
      body: { ...view, page_path: undefined },
      status: 422,
      agrees: names("page_path")
    },
    {
      name: "a page view of no uuid",
      path: track,
      body: { ...view, site_id: "x" },
      status: 422,
      agrees: names("site_id")
    },
    {
      name: "a page view with a long path",
      path: track,
      body: { ...view, page_path: "x".repeat(2049) },
      status: 422,
      agrees: names("page_path")
    },
    {
      name: "a page view with a wide screen",
      path: track,
      body: { ...view, screen_width: "wide" },
      status: 422,
      agrees: names("screen_width")
    },
    { name: "a submission", path: submit, body: form, status: 200, agrees: Schema.is(Receipt) },
    {
      name: "a submission of a list",
      path: submit,
      body: { ...form, form_data: [] },
      status: 422,
      agrees: names("form_data")
    }
  ]
}

const ask = async (port: number, probe: Probe, index: number): Promise<string | undefined> => {
  const response = await fetch(`http://127.0.0.1:${port}${probe.path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
      "x-forwarded-for": `192.0.2.${index + 1}`
    },
    body: JSON.stringify(probe.body)
  })
  const text = await response.text()
  const body: unknown = text === "" ? undefined : JSON.parse(text)
  return response.status === probe.status && probe.agrees(body)
    ? undefined
    : `${probe.name} was answered ${response.status} ${text.slice(0, 200)} in place of ${probe.status}`
}

/** Fails with the first answer that is not the contract's. */
export const check = (name: string, port: number, site: Site): Effect.Effect<void, BenchError> =>
  Effect.forEach(
    probes(site),
    (probe, index) =>
      Effect.tryPromise({
        try: () => ask(port, probe, index),
        catch: (cause) => new BenchError({ message: `${name}: ${probe.name} got no answer: ${cause}` })
      }).pipe(
        Effect.flatMap((wrong) =>
          wrong === undefined ? Effect.void : new BenchError({ message: `${name}: ${wrong}` })
        )
      ),
    { discard: true }
  )
