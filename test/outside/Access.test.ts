/**
 * Every operation of the owner API with every kind of caller, generated from the OpenAPI document that the service serves, so that
 * a new operation is tested at once. If `owner/Rules.ts` does not say what to expect of it, a test fails with what to add.
 *
 * Imports nothing of `src`.
 */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { namesOf, type Operation, type Request, requestOf, type Values } from "./owner/Document.ts"
import {
  accessOf,
  expected,
  isPermitted,
  type Kind,
  kinds,
  permittedStatus,
  reaches,
  unknownIn
} from "./owner/Rules.ts"
import { Service } from "./owner/Service.ts"
import { type Caller, newCaller, Stage, snapshot, layer as stage } from "./owner/Stage.ts"
import { constants, createValues, newWebsite } from "./owner/Websites.ts"

/** The ids of a website's values. */
const idsOf = (values: Values) => Object.entries(values).flatMap(([name, id]) => (constants.has(name) ? [] : [id]))

/** Sends a request. Returns its answer, and how the answer differs from what is expected. */
const check = Effect.fnUntraced(function* (caller: Caller, request: Request, status: number) {
  const { send } = yield* Service
  const { undeclared, values } = yield* Stage
  const answer = yield* send(request, caller.credentials)
  const title = `${caller.name}: ${request.method} ${request.path} ${request.body ?? ""}`
  const website = caller.access?.website
  const hidden = [...(website === "A" ? [] : idsOf(values.A)), ...(website === "B" ? [] : idsOf(values.B))]
  const faults = [
    ...(answer.status === status ? [] : [`is answered ${answer.status}, not ${status}: ${answer.text.slice(0, 300)}`]),
    ...undeclared(request, answer),
    ...(website === "all" ? [] : hidden.filter((id) => answer.text.includes(id)).map((id) => `the answer names ${id}`))
  ]
  return { answer, faults: faults.map((fault) => `${title}: ${fault}`) }
})

/** Runs `find` for each element, and fails with all faults that it finds. */
const expectNoFaults = Effect.fnUntraced(function* <A, R>(
  elements: ReadonlyArray<A>,
  find: (element: A) => Effect.Effect<ReadonlyArray<string>, never, R>,
  concurrency = 1
) {
  assert.isNotEmpty(elements)
  const faults = yield* Effect.forEach(elements, find, { concurrency })
  assert.deepStrictEqual(faults.flat(), [])
})

/** How many operations are between two looks at the tables, which take longer than the requests about an operation. */
const together = 12

/** Finds the faults of the refused requests about each operation, and the tables that they changed. */
const expectRefusals = Effect.fnUntraced(function* <R>(
  operations: ReadonlyArray<Operation>,
  find: (operation: Operation) => Effect.Effect<ReadonlyArray<string>, never, R>
) {
  let before = yield* snapshot
  const batches = Array.from({ length: Math.ceil(operations.length / together) }, (_, index) =>
    operations.slice(index * together, (index + 1) * together)
  )
  yield* expectNoFaults(
    batches,
    Effect.fnUntraced(function* (batch) {
      const faults = yield* Effect.forEach(batch, find)
      const after = yield* snapshot
      const changed = after.filter(({ digest }, index) => digest !== before[index]?.digest)
      before = after
      const names = batch.map(({ name }) => name).join(", ")
      return [
        ...faults.flat(),
        ...changed.map((table) => `a refused request changes the table ${table.name}: ${names}`)
      ]
    })
  )
})

const isReading = ({ method }: Operation) => method === "GET"

/**
 * The callers that an operation is tried with: all whose credentials are valid, those without credentials, and some of the invalid
 * ones in turn. The middleware that an operation declares looks credentials up, and does not know the operation.
 */
const callersOf = (callers: ReadonlyArray<Caller>, turn: number) => {
  const [nobody, ...invalid] = callers.filter(({ access }) => access === undefined)
  const valid = callers.filter(({ access }) => access !== undefined)
  return [
    ...(nobody === undefined ? [] : [nobody]),
    ...invalid.filter((_, index) => (index + turn) % 3 === 0),
    ...valid
  ]
}

/** The requests that name something of website B or something unknown, beside what is of website A. */
const foreignRequests = (operation: Operation, own: Values, other: Values) => {
  const ids = namesOf(operation).filter((name) => !constants.has(name))
  const inWebsite = ids.filter((name) => name !== "site_id")
  const replaced = (names: ReadonlyArray<string>, values: Values) => ({
    ...own,
    ...Object.fromEntries(names.map((name) => [name, values[name] ?? ""]))
  })
  const unknown = Object.fromEntries(ids.map((name) => [name, randomUUID()]))
  return [...ids.map((name) => [name]), ...(inWebsite.length > 1 ? [inWebsite] : [])].map((names) => ({
    foreign: requestOf(operation, replaced(names, other)),
    unknown: requestOf(operation, replaced(names, unknown))
  }))
}

layer(stage, { excludeTestServices: true, timeout: "5 minutes" })("the owner API", (it) => {
  it.effect("of each operation, the document says what this test needs to know", () =>
    Stage.use(({ operations }) => expectNoFaults(operations, (operation) => Effect.succeed(unknownIn(operation))))
  )

  it.effect(
    "answers each caller about website A as its access says, whatever the body is, and refused requests change nothing",
    () =>
      Effect.gen(function* () {
        const { callers, operations, values } = yield* Stage
        yield* expectRefusals(operations, (operation) =>
          Effect.forEach(
            callersOf(callers, operations.indexOf(operation)),
            Effect.fnUntraced(function* (caller) {
              const faults: Array<string> = []
              const status = expected(operation, caller.access, "A")
              if (status >= 400 || isReading(operation)) {
                faults.push(...(yield* check(caller, requestOf(operation, values.A), status)).faults)
              }
              if (operation.hasBody) {
                const undecoded = expected(operation, caller.access, "A", false)
                faults.push(...(yield* check(caller, requestOf(operation, values.A, "{"), undecoded)).faults)
              }
              return faults
            }),
            { concurrency: 8 }
          ).pipe(Effect.map((faults) => faults.flat()))
        )
      })
  )

  it.effect("does not let a caller of website A reach what is of website B, or tell it from what does not exist", () =>
    Effect.gen(function* () {
      const { callers, operations, values } = yield* Stage
      const permitted = (operation: Operation) =>
        callers.filter(
          ({ access }) =>
            access?.website === "A" &&
            (access.kind === "share" || access.scope === "write") &&
            isPermitted(operation, access, "A")
        )
      yield* expectRefusals(operations, (operation) =>
        Effect.forEach(permitted(operation), (caller) =>
          Effect.forEach(
            foreignRequests(operation, values.A, values.B),
            Effect.fnUntraced(function* (requests) {
              const [foreign, unknown] = [
                yield* check(caller, requests.foreign, 404),
                yield* check(caller, requests.unknown, 404)
              ]
              const differs = foreign.answer.text !== unknown.answer.text
              return [
                ...foreign.faults,
                ...unknown.faults,
                ...(differs
                  ? [`${caller.name}: ${requests.foreign.path} is answered otherwise than an unknown id`]
                  : [])
              ]
            })
          )
        ).pipe(Effect.map((faults) => faults.flat(2)))
      )
    })
  )

  it.effect("accepts an id in capitals, and refuses what is not an id", () =>
    Effect.gen(function* () {
      const { callers, operations, values } = yield* Stage
      const owner = callers.find(
        ({ access }) => access?.website === "A" && access.kind === "session" && access.scope === "write"
      )
      assert.isDefined(owner)
      yield* expectNoFaults(
        operations.flatMap((operation) => operation.uuidNames.map((name) => ({ operation, name }))),
        Effect.fnUntraced(function* ({ name, operation }) {
          const withId = (id: string) => requestOf(operation, { ...values.A, [name]: id })
          const refusal = yield* check(owner, withId("no-id"), 422)
          if (!isReading(operation)) return refusal.faults
          const answer = yield* check(owner, withId(`${values.A[name]}`.toUpperCase()), permittedStatus(operation))
          return [...refusal.faults, ...answer.faults]
        })
      )
    })
  )

  it.effect("does what the access of a caller includes", () =>
    Effect.gen(function* () {
      const { operations } = yield* Stage
      const { root } = yield* Service
      const permitted = operations.flatMap((operation) => {
        const isIncluded = (kind: Kind | "all") =>
          !isReading(operation) && isPermitted(operation, accessOf(kind, "new"), "new")
        const included: ReadonlyArray<Kind | "all"> = kinds.filter(isIncluded)
        // The key for all websites creates the values of all operations.
        const found = included.length === 0 && isIncluded("all") ? (["all"] as const) : included
        return found.map((kind) => ({ operation, kind }))
      })
      yield* expectNoFaults(
        permitted,
        Effect.fnUntraced(function* ({ kind, operation }) {
          const site = yield* newWebsite
          const caller =
            kind === "all"
              ? { name: kind, access: accessOf(kind, "new"), credentials: root }
              : yield* newCaller(kind, site, "new")
          const values = yield* createValues(namesOf(operation), { site_id: site })
          return (yield* check(caller, requestOf(operation, values), permittedStatus(operation))).faults
        }),
        4
      )
    })
  )

  it.effect("lists only the websites of a caller", () =>
    Effect.gen(function* () {
      const { callers, values } = yield* Stage
      const { send } = yield* Service
      for (const { access, credentials, name } of callers) {
        if (access === undefined || access.kind === "share") continue
        const { text } = yield* send({ method: "GET", path: "/v1/owner/sites" }, credentials)
        for (const website of ["A", "B"] as const) {
          assert.strictEqual(text.includes(`${values[website]["site_id"]}`), reaches(access, website), name)
        }
      }
    })
  )
})
