/**
 * Creates websites, what belongs to them, and credentials for them, by requests.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Effect } from "effect"
import { poll } from "../../support/Wait.ts"
import type { Scope, Values } from "./Document.ts"
import { bearer, call, Service } from "./Service.ts"

/** A website's id. Its name is that of the example of a deletion, so that the deletion succeeds. */
export const newWebsite = Effect.map(
  call("POST", "/v1/owner/sites", { name: "Shop" }),
  ({ json }) => `${json["site_id"]}`
)

/** The header that a browser adds to a request of a page to its own origin. */
export const fromOwnPage = { "sec-fetch-site": "same-origin" }

/** A key, with its id. */
export const newKey = (scope: Scope, sites: "all" | ReadonlyArray<string>, more: object = {}) =>
  Effect.map(call("POST", "/v1/owner/keys", { scope, sites, ...more }), ({ json }) => ({
    id: `${json["key_id"]}`,
    credentials: bearer(`${json["key"]}`)
  }))

/** A session that a link opened, with its id. */
export const newSession = Effect.fnUntraced(function* (role: string, sites: ReadonlyArray<string>) {
  const { json } = yield* call("POST", "/v1/owner/sessions", { role, sites })
  const secret = `${json["path"]}`.split("#/link/")[1]
  const { headers } = yield* call("POST", "/v1/owner/session", { secret }, fromOwnPage)
  const cookie = headers.get("set-cookie")?.split(";")[0] ?? ""
  return { id: `${json["session_id"]}`, credentials: { cookie, ...fromOwnPage } }
})

/** A person who has opened an invitation, with its id. */
const newPerson = Effect.fnUntraced(function* (site: string) {
  const email = `${randomUUID()}@example.com`
  yield* call("POST", "/v1/owner/sessions", { role: "viewer", sites: [site], email })
  const [text = ""] = yield* poll(
    Service.use(({ mailsTo }) => mailsTo(email)),
    (mails) => mails.length > 0
  )
  const secret = /#\/link\/(\S+)/.exec(text)?.[1] ?? ""
  const { headers } = yield* call("POST", "/v1/owner/session", { secret }, fromOwnPage)
  const credentials = { cookie: headers.get("set-cookie")?.split(";")[0] ?? "", ...fromOwnPage }
  const { text: session } = yield* call("GET", "/v1/owner/session", undefined, credentials)
  return `${JSON.parse(session).person.person_id}`
})

/** A share of a website, with its id. */
export const newShare = (site: string, more: object = {}) =>
  Effect.map(call("POST", `/v1/owner/sites/${site}/shares`, more), ({ json }) => ({
    id: `${json["share_id"]}`,
    credentials: bearer(`${json["path"]}`.split("#/share/")[1] ?? "")
  }))

/** Returns the value with this name of the same website, and creates it if it does not exist yet. */
type Need = (name: string) => Effect.Effect<string, never, Service>

const created = (need: Need, path: string, body: object, member: string) =>
  Effect.flatMap(need("site_id"), (site) =>
    Effect.map(call("POST", `/v1/owner/sites/${site}/${path}`, body), ({ json }) => `${json[member]}`)
  )

type Element = Readonly<Record<string, unknown>>

/** The first element of a list of the owner API, once it satisfies a condition. */
const firstOf = Effect.fnUntraced(function* (path: string, list: string, condition: (first: Element) => boolean) {
  const elements = Effect.map(call("GET", path), ({ text }) => JSON.parse(text)[list] as ReadonlyArray<Element>)
  const [first = {}] = yield* poll(elements, ([each]) => each !== undefined && condition(each))
  return first
})

const newSubmission = Effect.fnUntraced(function* (site_id: string) {
  const body = { site_id, email: "ann@example.com", form_data: { message: `Of ${site_id}` } }
  const { json } = yield* call("POST", "/v1/public/forms/submit", body, {})
  return `${json["submission_id"]}`
})

/** The values that requests need, by the names of their parameters, and how each is created for a website. */
export const creators: Readonly<Record<string, (need: Need) => Effect.Effect<string, never, Service>>> = {
  site_id: () => newWebsite,
  key_id: (need) => Effect.flatMap(need("site_id"), (site) => Effect.map(newKey("stats", [site]), ({ id }) => id)),
  session_id: (need) =>
    Effect.flatMap(need("site_id"), (site) => Effect.map(newSession("viewer", [site]), ({ id }) => id)),
  person_id: (need) => Effect.flatMap(need("site_id"), newPerson),
  share_id: (need) => Effect.flatMap(need("site_id"), (site) => Effect.map(newShare(site), ({ id }) => id)),
  goal_id: (need) => created(need, "goals", { kind: "event", value: "signup" }, "goal_id"),
  instance_id: (need) =>
    created(need, "instances", { name: "Support", agent_url: "https://agent.example.com" }, "instance_id"),
  token_id: (need) =>
    Effect.flatMap(need("instance_id"), (instance) => created(need, `instances/${instance}/tokens`, {}, "token_id")),
  conversation_id: Effect.fnUntraced(function* (need) {
    const [site, instance] = [yield* need("site_id"), yield* need("instance_id")]
    const path = `/v1/owner/sites/${site}/instances/${instance}`
    const { json } = yield* call("POST", `${path}/tokens`, {})
    // Nobody answers at the agent's address. The question is stored all the same.
    yield* Service.use(({ send }) =>
      send(
        { method: "POST", path: `/v1/public/widget/${instance}/chat`, body: JSON.stringify({ message: `Of ${site}` }) },
        { "x-widget-token": `${json["token"]}` }
      )
    )
    const conversation = yield* firstOf(`${path}/conversations`, "conversations", () => true)
    return `${conversation["conversation_id"]}`
  }),
  submission_id: (need) => Effect.flatMap(need("site_id"), newSubmission),
  mark_id: Effect.fnUntraced(function* (need) {
    const site = yield* need("site_id")
    yield* call("POST", `/v1/owner/sites/${site}/submissions/spam`, { submission_ids: [yield* newSubmission(site)] })
    const mark = yield* firstOf(`/v1/owner/sites/${site}/spam`, "marks", () => true)
    return `${mark["mark_id"]}`
  }),
  deleted_submission_id: Effect.fnUntraced(function* (need) {
    const site = yield* need("site_id")
    const id = yield* newSubmission(site)
    yield* call("POST", `/v1/owner/sites/${site}/submissions/delete`, { submission_ids: [id] })
    return id
  }),
  webhook_id: (need) => created(need, "webhooks", { url: "https://hooks.example.com/leads" }, "webhook_id"),
  event_id: Effect.fnUntraced(function* (need) {
    const [site, webhook] = [yield* need("site_id"), yield* need("webhook_id")]
    yield* newSubmission(site)
    const path = `/v1/owner/sites/${site}/webhooks/${webhook}`
    // Nobody answers at the webhook's address, either. While it is disabled, the delivery is not attempted again.
    const delivery = yield* firstOf(`${path}/deliveries`, "deliveries", ({ attempts }) => Number(attempts) > 0)
    yield* call("PATCH", path, { enabled: false })
    return `${delivery["event_id"]}`
  }),
  notification_id: (need) => created(need, "notifications", { to: `${randomUUID()}@example.com` }, "notification_id"),
  page: Effect.fnUntraced(function* (need) {
    const page = randomUUID()
    const forms = `/v1/owner/sites/${yield* need("site_id")}/forms`
    yield* call("PUT", forms, { page, rules: { name: { required: true } } })
    const reply = { subject: "Thank you", text: "We answer soon.", reply_to: "owner@example.com" }
    yield* call("PUT", `${forms}/auto-replies`, { page, ...reply })
    return page
  }),
  email: () => Effect.sync(() => `${randomUUID()}@example.com`),
  since: () => Effect.succeed("2026-11-25T09:00:00.000Z")
}

/** The names of the values that are not of a website. */
export const constants: ReadonlySet<string> = new Set(["email", "since"])

/** Creates the values with these names for one website, unless they are known. */
export const createValues = Effect.fnUntraced(function* (names: ReadonlyArray<string>, known: Values) {
  const values = new Map(Object.entries(known))
  const need: Need = (name) =>
    Effect.suspend(() => {
      const value = values.get(name)
      if (value !== undefined) return Effect.succeed(value)
      const create = creators[name]
      if (create === undefined)
        return Effect.die(new Error(`Add how to create ${name} to test/outside/owner/Websites.ts`))
      return Effect.tap(create(need), (made) => Effect.sync(() => values.set(name, made)))
    })
  for (const name of names) yield* need(name)
  return Object.fromEntries(values)
})
