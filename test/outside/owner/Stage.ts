/**
 * Two websites with everything that a request can name, and all kinds of callers.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import * as Documented from "../../support/responses/Documented.ts"
import { poll } from "../../support/Wait.ts"
import { type Document, namesOf, type Operation, operationsOf, type Request, type Values } from "./Document.ts"
import { type Access, accessOf, type Kind, kinds, type Website } from "./Rules.ts"
import { type Answer, bearer, type Credentials, call, Service, layer as service } from "./Service.ts"
import { createValues, creators, newKey, newSession, newShare } from "./Websites.ts"

export interface Caller {
  readonly name: string
  readonly credentials: Credentials
  /** Undefined if the credentials are not valid. */
  readonly access: Access | undefined
}

export const newCaller = Effect.fnUntraced(function* (kind: Kind, site: string, website: Website) {
  const access = accessOf(kind, website)
  const name = `${access.kind} of website ${website} (${kind})`
  if (access.kind === "share") return { name, access, credentials: (yield* newShare(site)).credentials }
  if (access.kind === "session") {
    return { name, access, credentials: (yield* newSession(access.role, [site])).credentials }
  }
  return { name, access, credentials: (yield* newKey(access.scope, [site])).credentials }
})

/** Waits until credentials are no longer valid. */
const untilInvalid = (credentials: Credentials, path = "/v1/owner/sites") =>
  Service.use(({ send }) => poll(send({ method: "GET", path }, credentials), ({ status }) => status === 401))

/** Callers whose credentials are valid for nothing. */
const newInvalidCallers = Effect.fnUntraced(function* (site: string) {
  const { headers } = yield* call("GET", "/v1/owner/sites")
  const soon = Date.parse(headers.get("date") ?? "") + 3_000
  const expires_at = new Date(soon).toISOString()
  const [expiring, expiringShare] = [
    yield* newKey("write", "all", { expires_at }),
    yield* newShare(site, { expires_at })
  ]
  const [revoked, session, share] = [
    yield* newKey("write", "all"),
    yield* newSession("owner", [site]),
    yield* newShare(site)
  ]
  const open = yield* newSession("owner", [site])
  const idle = yield* newSession("owner", [site])
  const { sql } = yield* Service
  const past = sql`now() - interval '1 year'`
  yield* Effect.orDie(
    sql`UPDATE console_session SET last_used_at = ${past}, link_expires_at = ${past} WHERE session_id = ${idle.id}::uuid`
  )
  yield* call("DELETE", `/v1/owner/keys/${revoked.id}`)
  yield* call("DELETE", `/v1/owner/sessions/${session.id}`)
  yield* call("DELETE", `/v1/owner/sites/${site}/shares/${share.id}`)
  for (const { credentials } of [expiring, revoked, session, idle]) yield* untilInvalid(credentials)
  for (const { credentials } of [share, expiringShare]) yield* untilInvalid(credentials, "/v1/owner/shared")
  const callers: Readonly<Record<string, Credentials>> = {
    nobody: {},
    "an unknown key": bearer(`hok_${"A".repeat(43)}`),
    "an unknown share": bearer(`hsh_${"A".repeat(43)}`),
    "an expired key": expiring.credentials,
    "a revoked key": revoked.credentials,
    "an ended session": session.credentials,
    "a session that was not used for long": idle.credentials,
    "a session on a page of another website": { ...open.credentials, "sec-fetch-site": "cross-site" },
    "a revoked share": share.credentials,
    "an expired share": expiringShare.credentials
  }
  return Object.entries(callers).map(([name, credentials]): Caller => ({ name, credentials, access: undefined }))
})

/**
 * What only pages of the console do, with a secret in the body instead of the caller's credentials: `sites/access/Login.test.ts` and
 * `analytics/shares/OwnerShares.test.ts` have it. A request of each caller would reach the limit of an address.
 */
const ofThePage = new Set(["read_login", "login", "unlock_shared"])

export class Stage extends Context.Service<
  Stage,
  {
    readonly operations: ReadonlyArray<Operation>
    readonly values: Readonly<Record<"A" | "B", Values>>
    readonly callers: ReadonlyArray<Caller>
    /** The differences between an answer and the document. */
    readonly undeclared: (request: Request, answer: Answer) => ReadonlyArray<string>
  }
>()("test/outside/owner/Stage") {}

/**
 * A digest of the rows of each table. The times of a session's use are left out, because a refused request is a use too, and so
 * are the counts of past visits (`rollup`) and the leases of background tasks, which change without a request.
 */
export const snapshot = Effect.gen(function* () {
  const { sql } = yield* Service
  const tables = yield* sql<{ readonly name: string }>`
    SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
      AND relkind IN ('r', 'p') AND NOT relispartition AND relname NOT LIKE 'rollup%'
      AND relname <> 'background_lease'`
  const digests = tables.map(
    ({ name }) => `
      SELECT '${name}' AS name, md5(coalesce(string_agg(row, ',' ORDER BY row), '')) AS digest
      FROM (SELECT (to_jsonb(t) - 'last_used_at')::text AS row FROM "${name}" t) rows`
  )
  return yield* sql.unsafe<{ readonly name: string; readonly digest: string }>(
    `${digests.join(" UNION ALL ")} ORDER BY name`
  )
}).pipe(Effect.orDie)

/** Waits until the tables have not changed for a second, because mails are sent in the background. */
const settled = Effect.gen(function* () {
  let previous = ""
  yield* poll(Effect.delay(snapshot, "1 second"), (tables) => {
    const current = JSON.stringify(tables)
    const isSettled = current === previous
    previous = current
    return isSettled
  })
})

export const layer: Layer.Layer<Stage | Service> = Layer.effect(
  Stage,
  Effect.gen(function* () {
    const { root } = yield* Service
    const { text } = yield* call("GET", "/openapi-owner.json")
    const document = JSON.parse(text) as Document
    const operations = operationsOf(document).filter(({ id }) => !ofThePage.has(id))
    const documented = Documented.operationsOf(JSON.parse(text))
    const names = [...new Set(operations.flatMap(namesOf))].filter((name) => creators[name] !== undefined)
    const [A, B] = yield* Effect.all([createValues(names, {}), createValues(names, {})], { concurrency: 2 })
    for (const { site_id = "" } of [A, B]) {
      const { json } = yield* call("GET", `/v1/owner/sites/${site_id}`)
      yield* call(
        "POST",
        "/v1/public/analytics/track",
        { site_id: json["tracking_token"], page_path: `/${site_id}` },
        {}
      )
    }
    // What website B's callers with the most access may not do, those with less may not do either.
    const ofWebsites = [
      ...(yield* Effect.forEach(kinds, (kind) => newCaller(kind, A["site_id"] ?? "", "A"))),
      ...(yield* Effect.forEach(["write", "owner", "share"] as const, (kind) =>
        newCaller(kind, B["site_id"] ?? "", "B")
      ))
    ]
    const reader = yield* newKey("read", "all")
    const all: ReadonlyArray<Caller> = [
      { name: "key for all websites", credentials: root, access: accessOf("all", "new") },
      {
        name: "reading key for all",
        credentials: reader.credentials,
        access: { kind: "key", scope: "read", website: "all" }
      }
    ]
    const invalid = yield* newInvalidCallers(A["site_id"] ?? "")
    yield* settled
    return {
      operations,
      values: { A, B },
      callers: [...invalid, ...all, ...ofWebsites],
      undeclared: ({ method, path }, { contentType, headers, status }) =>
        Documented.undocumented(documented, {
          method,
          path: path.split("?")[0] ?? "",
          status,
          contentType,
          headers: [...headers.keys()],
          test: ""
        })
    }
  })
).pipe(Layer.provideMerge(service))
