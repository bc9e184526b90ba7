/**
 * Checks that a contender conforms to the contract, before its rate is measured.
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
  /** Whether the parsed body is correct. The body is undefined if it is empty. */
  readonly isExpected: (body: unknown) => boolean
}

const track = "/v1/public/analytics/track"
const submit = "/v1/public/forms/submit"

/** Whether the body of a 422 names a field. */
const namesField = (field: string) => (body: unknown) =>
  Option.exists(Schema.decodeUnknownOption(Faults)(body), ({ detail }) =>
    detail.some(({ loc }) => loc[0] === "body" && loc[1] === field)
  )

const probes = (site: Site): ReadonlyArray<Probe> => {
  const view = { site_id: site.trackingToken, page_path: "/contract-check", referrer: null, screen_width: 1440 }
  const form = { site_id: site.websiteConfigId, form_data: { name: "Ada" }, email: "ada@example.org" }
  const isEmpty = (body: unknown) => body === undefined
  return [
    { name: "a page view", path: track, body: view, status: 204, isExpected: isEmpty },
    {
      name: "a page view without a path",
      path: track,
      body: { ...view, page_path: undefined },
      status: 422,
      isExpected: namesField("page_path")
    },
    {
      name: "a page view whose site_id is not a UUID",
      path: track,
      body: { ...view, site_id: "x" },
      status: 422,
      isExpected: namesField("site_id")
    },
    {
      name: "a page view whose path is too long",
      path: track,
      body: { ...view, page_path: "x".repeat(2049) },
      status: 422,
      isExpected: namesField("page_path")
    },
    {
      name: "a page view whose screen_width is text",
      path: track,
      body: { ...view, screen_width: "wide" },
      status: 422,
      isExpected: namesField("screen_width")
    },
    { name: "a submission", path: submit, body: form, status: 200, isExpected: Schema.is(Receipt) },
    {
      name: "a submission whose form_data is a list",
      path: submit,
      body: { ...form, form_data: [] },
      status: 422,
      isExpected: namesField("form_data")
    }
  ]
}

/** Sends a probe. Returns an error message if the response is not the expected one. */
const send = async (port: number, probe: Probe, index: number): Promise<string | undefined> => {
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
  return response.status === probe.status && probe.isExpected(body)
    ? undefined
    : `${probe.name} was answered with ${response.status} ${text.slice(0, 200)}, not with ${probe.status} and the expected body`
}

/** Fails with the first response that differs from the contract. */
export const run = (name: string, port: number, site: Site): Effect.Effect<void, BenchError> =>
  Effect.forEach(
    probes(site),
    (probe, index) =>
      Effect.tryPromise({
        try: () => send(port, probe, index),
        catch: (cause) => new BenchError({ message: `${name}: ${probe.name} got no answer: ${cause}` })
      }).pipe(
        Effect.flatMap((problem) =>
          problem === undefined ? Effect.void : new BenchError({ message: `${name}: ${problem}` })
        )
      ),
    { discard: true }
  )
