/**
 * The wire of the public endpoints: each response of a running service, byte for byte. `vitest -u` writes the goldens anew.
 *
 * Imports nothing of `src`.
 */
import path from "node:path"
import { assert, expect, layer } from "@effect/vitest"
import { Context, Effect, Fiber, Layer } from "effect"
import * as Documented from "../support/responses/Documented.ts"
import { type Group, transcriptOf } from "./wire/Case.ts"
import * as Contract from "./wire/Contract.ts"
import { chats } from "./wire/cases/Chat.ts"
import { conversations } from "./wire/cases/Conversations.ts"
import * as Faults from "./wire/cases/Faults.ts"
import { submissionsAndForms } from "./wire/cases/Forms.ts"
import { confirmation, mails, unsubscription } from "./wire/cases/Mail.ts"
import { protocols } from "./wire/cases/Protocols.ts"
import { type PublicOperation, requests } from "./wire/cases/Requests.ts"
import { tracking } from "./wire/cases/Tracking.ts"
import * as Edge from "./wire/Edge.ts"
import * as Foreign from "./wire/Foreign.ts"
import { headerOf, type Request, type Response } from "./wire/Http.ts"

interface Exchange {
  readonly request: Request
  readonly response: Response
}

type Transcribed = Awaited<ReturnType<typeof transcriptOf>>

class Wire extends Context.Service<
  Wire,
  {
    readonly edge: Edge.Edge
    /** A service whose timeouts are short, with a database of its own that the tests damage. */
    readonly fragile: Edge.Edge
    readonly operations: ReadonlyArray<DocumentedOperation>
    /** Compares the responses of a group with its goldens. */
    readonly compare: (group: Group, edge?: Edge.Edge) => Effect.Effect<void>
    /** Compares the responses to what does not arrive in time. The requests begin with the service, because they take half a minute. */
    readonly compareSlow: Effect.Effect<void>
    /** What was exchanged so far. */
    readonly exchanged: ReadonlyArray<Exchange>
    /** What the document does not declare of a response. */
    readonly undeclared: (exchange: Exchange) => ReadonlyArray<string>
  }
>()("test/outside/Wire") {}

interface OperationObject {
  readonly requestBody?: unknown
  readonly responses: Readonly<Record<string, { readonly content?: object }>>
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>
}

/** An operation with its responses, such as `200 application/json`. */
interface DocumentedOperation extends PublicOperation {
  readonly responses: ReadonlyArray<string>
}

const operationsOf = (document: Document): ReadonlyArray<DocumentedOperation> =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { requestBody, responses }]) => ({
      method: method.toUpperCase(),
      path,
      hasBody: requestBody !== undefined,
      responses: Object.entries(responses).flatMap(([status, { content = {} }]) =>
        Object.keys(content).length === 0 ? [status] : Object.keys(content).map((type) => `${status} ${type}`)
      )
    }))
  )

const golden = (name: string) => path.join(import.meta.dirname, "wire/goldens", `${name}.txt`)

const wire = Layer.effect(
  Wire,
  Effect.gen(function* () {
    const [edge, fragile] = yield* Edge.startTwo({ AGENT_TIMEOUT: "1 second", DATABASE_TIMEOUT: "5 seconds" })
    const document = yield* Effect.promise(() =>
      fetch(`${edge.url}/openapi.json`).then(
        (response) => response.json() as Promise<Document & Record<string, unknown>>
      )
    )
    const documented = Documented.operationsOf(document)
    const exchanged: Array<Exchange> = []
    const run =
      (service: Edge.Edge) =>
      ({ cases }: Group) =>
        Effect.forEach(cases, (one) => Effect.promise(() => transcriptOf(service, one)), { concurrency: 32 })
    const compare =
      ({ name }: Group) =>
      (transcripts: ReadonlyArray<Transcribed>) =>
        Effect.promise(async () => {
          exchanged.push(...transcripts.flatMap(({ exchanges }) => exchanges))
          await expect(transcripts.map(({ text }) => text).join("\n\n")).toMatchFileSnapshot(golden(name))
        })
    const operations = operationsOf(document)
    const slowGroups = requests(operations)
    const slow = yield* Effect.forkScoped(Effect.forEach(slowGroups, run(edge), { concurrency: 2 }))
    return {
      edge,
      fragile,
      operations,
      exchanged,
      compare: (group, service = edge) => Effect.flatMap(run(service)(group), compare(group)),
      compareSlow: Effect.flatMap(Fiber.join(slow), (transcripts) =>
        Effect.forEach(slowGroups, (group, index) => compare(group)(transcripts[index] ?? []), { discard: true })
      ),
      undeclared: ({ request: { method = "POST", path }, response: { headers, status } }) =>
        Documented.undocumented(documented, {
          // Some bytes are no request to a path.
          ...(path === "" ? { method: null, path: null } : { method, path: path.split("?")[0] ?? "" }),
          status,
          contentType: headers.find(([name]) => name === "content-type")?.[1] ?? null,
          headers: headers.map(([name]) => name),
          test: ""
        })
    }
  })
)

/** Responses that the document declares and that no request here provokes. */
const unprovoked: ReadonlyArray<string> = [
  // Nothing that a client sends makes the service fail here.
  "GET /v1/public/mail/unsubscribe/{token}: 500 application/json",
  "POST /v1/public/mail/unsubscribe/{token}: 500 application/json",
  "GET /v1/public/mail/confirm/{token}: 500 application/json",
  "POST /v1/public/mail/confirm/{token}: 500 application/json"
]

/** Errors in a body, which a request without a body cannot have. */
const ofBodies = /^(?:400|408|413) /

layer(wire, { excludeTestServices: true, timeout: "5 minutes" })("the wire", (it) => {
  for (const group of [...tracking, ...submissionsAndForms, ...chats, ...conversations, ...protocols, ...mails]) {
    it.effect(group.name, () => Wire.use(({ compare }) => compare(group)))
  }

  it.effect("while the agent or the database fails", () =>
    Effect.gen(function* () {
      const { compare, fragile } = yield* Wire
      const [confirm, unsubscribe] = yield* Effect.promise(() =>
        Promise.all([confirmation(fragile), unsubscription(fragile)])
      )
      yield* compare(Faults.silentAgent, fragile)
      yield* fragile.sql`UPDATE site SET origins = ARRAY[NULL::text]`
      yield* fragile.sql`UPDATE instance SET origins = ARRAY[NULL::text]`
      yield* compare(Faults.defect, fragile)
      yield* fragile.sql`UPDATE site SET origins = '{}'`
      yield* fragile.sql`ALTER TABLE submission ADD CHECK (email IS NULL) NOT VALID`
      yield* compare(Faults.refusing, fragile)
      yield* Edge.refuseConnections(fragile)
      yield* compare(Faults.withoutDatabase({ confirm, unsubscribe }), fragile)
    })
  )

  it.effect("the bodies of the contract", () => Wire.use(({ edge }) => Contract.check(edge)))

  it.effect("between an agent and a client that are not ours, an answer arrives whole, and no secret passes", () =>
    Wire.use(({ edge }) => Foreign.check(edge))
  )

  it.effect("what every operation refuses", () => Wire.use(({ compareSlow }) => compareSlow))

  it.effect("sends nothing that the document does not declare", () =>
    Wire.use(({ exchanged, undeclared }) =>
      Effect.sync(() => {
        assert.isNotEmpty(exchanged)
        assert.deepStrictEqual([...new Set(exchanged.flatMap(undeclared))], [])
      })
    )
  )

  it.effect("sends everything that the document declares", () =>
    Wire.use(({ exchanged, operations }) =>
      Effect.sync(() => {
        const missing = operations.flatMap(({ hasBody, method, path, responses }) => {
          const pattern = new RegExp(`^${path.replace(/\{[^}]+\}/g, "[^/]+")}$`)
          const seen = exchanged.flatMap(({ request, response }) =>
            pattern.test(request.path.split("?")[0] ?? "") &&
            (response.status === 405 || (request.method ?? "POST") === method)
              ? [`${response.status} ${headerOf(response, "content-type")?.split(";")[0] ?? ""}`.trim()]
              : []
          )
          const possible = responses.filter((response) => hasBody || !ofBodies.test(response))
          return possible
            .filter((response) => !seen.includes(response))
            .map((response) => `${method} ${path}: ${response}`)
        })
        assert.deepStrictEqual(missing, unprovoked)
      })
    )
  )
})
