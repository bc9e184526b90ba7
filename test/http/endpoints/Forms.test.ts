/**
 * Plain HTML forms, the quarantine and the decisions, over a real socket, on either storage.
 */
import { assert, describe, layer, type Vitest } from "@effect/vitest"
import { Effect, Layer, Option, Stream } from "effect"
import type { Counts } from "../../../src/core/sites/Decision.ts"
import type { Site } from "../../../src/core/sites/Site.ts"
import { SubmissionRepo } from "../../../src/services/forms/SubmissionRepo.ts"
import { StorageUnavailable } from "../../../src/services/Storage.ts"
import { Decisions } from "../../../src/services/sites/Decisions.ts"
import { SiteDirectory } from "../../../src/services/sites/SiteDirectory.ts"
import { type Storage, storages } from "../../support/Storages.ts"
import { paths, TestServer, layer as testServer } from "../../support/TestServer.ts"
import { lastDays } from "../../support/UtcDays.ts"
import { until } from "../../support/Wait.ts"

const own = "https://shop.example"
const decisionOf = ({ headers }: { readonly headers: Headers }) => headers.get("x-hydracore-decision")

/** Creates a website, and functions that send forms to it. */
const withSite = (origins: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const { send, url } = yield* TestServer
    const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Plain", origins }))
    const form = (
      body: string | URLSearchParams | FormData,
      options: { readonly query?: string; readonly headers?: Record<string, string> } = {}
    ) =>
      Effect.promise(async () => {
        const query = options.query ?? `site=${site.websiteConfigId}`
        const response = await fetch(`${url}${paths.submit}${query === "" ? "" : `?${query}`}`, {
          method: "POST",
          redirect: "manual",
          headers: { accept: "text/html,application/xhtml+xml", ...options.headers },
          body
        })
        return { status: response.status, headers: response.headers, text: await response.text() }
      })
    const submit = (form_data: object, headers: Record<string, string> = {}, more: object = {}) =>
      send(paths.submit, { site_id: site.websiteConfigId, form_data, ...more }, { headers })
    const stored = SubmissionRepo.use((repo) =>
      Stream.runCollect(repo.stream({ websiteConfigId: site.websiteConfigId }))
    )
    return { site, form, submit, stored }
  })

/** Waits until the rejections are stored, and asserts their counts by reason. */
const assertCounts = Effect.fnUntraced(function* (site: Site, expected: Counts) {
  const { counts } = yield* Decisions
  const total = (counts: Counts) => Object.values(counts).reduce((sum, times) => sum + times, 0)
  const stored = yield* until("the counts are stored", async () => {
    const found = await Effect.runPromise(counts({ site, ...lastDays(1, Date.now()) }))
    return total(found) >= total(expected) && found
  })
  assert.deepStrictEqual(stored, expected)
})

/** Matches a page that asks the visitor to tell the owner, with `detail` in small type. */
const ownersFault = (detail: RegExp): RegExp =>
  new RegExp(`<p>[^<]*Please tell the owner of the website\\.</p>\n<p><small>For the owner: [^\n]*${detail.source}`)

const multipart = (fields: ReadonlyArray<readonly [string, string | File]>): FormData => {
  const data = new FormData()
  for (const [name, value] of fields) data.append(name, value)
  return data
}

const suite = (it: Vitest.MethodsNonLive<TestServer | Storage>) => {
  describe("plain forms", () => {
    it.effect("both encodings store the fields and answer with a thank-you page", () =>
      Effect.gen(function* () {
        const { form, site, stored } = yield* withSite()
        const fields = [
          ["name", "Ada é😀\r\n<b>"],
          ["email", "ada@example.org"],
          ["topic", "a"],
          ["topic", "b"],
          ["__proto__", "x"],
          ["hydracore_page", "contact"],
          ["hydracore_hp", ""],
          ["hydracore_ms", "30000"]
        ] as const
        const expected = '{"name":"Ada é😀\\r\\n<b>","email":"ada@example.org","topic":["a","b"],"__proto__":"x"}'
        const bodies = [
          new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value])),
          multipart(fields)
        ]
        for (const body of bodies) {
          const answer = yield* form(body)
          assert.strictEqual(answer.status, 200, answer.text)
          assert.match(answer.headers.get("content-type") ?? "", /^text\/html/)
          assert.match(answer.headers.get("content-security-policy") ?? "", /^default-src 'none'; style-src 'sha256-/)
          assert.notMatch(answer.text, /<script|https?:\/\/|src=|href=/)
          assert.strictEqual(decisionOf(answer), "counted")
        }
        const submissions = yield* stored
        assert.lengthOf(submissions, bodies.length)
        for (const one of submissions) {
          assert.strictEqual(one.formData, expected)
          assert.deepInclude(one, {
            email: "ada@example.org",
            pageSlug: "contact",
            status: "accepted",
            websiteConfigId: site.websiteConfigId
          })
        }
        const [first] = submissions
        assert.deepStrictEqual(first?.reasons, [])
      })
    )

    it.effect("an empty file field is not a file", () =>
      Effect.gen(function* () {
        const { form, stored } = yield* withSite()
        const answer = yield* form(
          multipart([
            ["name", "Ada"],
            ["photo", new File([], "")]
          ])
        )
        assert.strictEqual(answer.status, 200)
        const [one] = yield* stored
        assert.deepStrictEqual(JSON.parse(one?.formData ?? ""), { name: "Ada", photo: "" })
      })
    )

    it.effect("a field may name the website, and a form that names none is an invalid body", () =>
      Effect.gen(function* () {
        const { form, site, stored } = yield* withSite()
        for (const field of ["site_id", "hydracore_site"]) {
          assert.strictEqual((yield* form(`a=1&${field}=${site.websiteConfigId}`, urlencoded)).status, 200)
        }
        assert.deepStrictEqual(
          (yield* stored).map(({ formData }) => formData),
          ['{"a":"1"}', '{"a":"1"}']
        )
        const none = yield* form("a=1", { query: "", headers: { ...urlencoded.headers, accept: "*/*" } })
        assert.strictEqual(none.status, 422)
        assert.deepStrictEqual(JSON.parse(none.text), {
          detail: [
            {
              loc: ["body"],
              msg: "Input should be a valid dictionary or object to extract fields from",
              type: "model_attributes_type"
            }
          ]
        })
      })
    )

    it.effect("a form with too many fields is refused with the reason", () =>
      Effect.gen(function* () {
        const { form, stored } = yield* withSite()
        const answer = yield* form("a&".repeat(100_000), { headers: { ...urlencoded.headers, accept: "*/*" } })
        assert.strictEqual(answer.status, 422)
        assert.include(answer.text, "more than 1000 fields")
        assert.deepStrictEqual(yield* stored, [])
        for (const [parts, status] of [
          [1000, 200],
          [1001, 422]
        ] as const) {
          const inParts = yield* form(multipart(Array.from({ length: parts }, () => ["a", ""] as const)))
          assert.strictEqual(inParts.status, status)
          if (status === 422) assert.include(inParts.text, "more than 1000 fields")
        }
      })
    )

    it.effect("the visitor is redirected only to pages of the website", () =>
      Effect.gen(function* () {
        const { form, site } = yield* withSite([own])
        const go = (next: string | undefined, referer?: string) =>
          Effect.map(
            form("a=1", {
              query: new URLSearchParams({
                site: site.websiteConfigId,
                ...(next === undefined ? {} : { next })
              }).toString(),
              headers: { ...urlencoded.headers, origin: own, ...(referer === undefined ? {} : { referer }) }
            }),
            ({ headers, status, text }) => ({ status, location: headers.get("location"), text })
          )
        const on = (location: string) => ({ status: 303, location, text: "" })
        assert.deepStrictEqual(yield* go(`${own}/thanks?a=b#c`), on(`${own}/thanks?a=b#c`))
        for (const next of [
          "https://evil.example/",
          "//evil.example",
          `${own}@evil.example`,
          "/thanks",
          "javascript:1"
        ]) {
          const answer = yield* go(next)
          assert.deepInclude(answer, { status: 200, location: null }, next)
          assert.include(answer.text, "Thank you")
        }
        // No redirect back to the form, which would not confirm the submission: the page links to it.
        for (const [next, referer, back] of [
          [undefined, `${own}/form?a=1&b="`, `${own}/form?a=1&amp;b=%22`],
          ["https://evil.example/", `${own}/form`, `${own}/form`],
          [undefined, `${own}/`, `${own}/`],
          [undefined, undefined, `${own}/`],
          [undefined, "https://evil.example/", `${own}/`]
        ] as const) {
          const answer = yield* go(next, referer)
          assert.deepInclude(answer, { status: 200, location: null })
          assert.include(answer.text, "Your message has arrived")
          assert.deepStrictEqual(answer.text.match(/<a .*<\/a>/g), [`<a href="${back}">Back to shop.example</a>`])
        }
        const open = yield* withSite()
        const answer = yield* open.form("a=1", {
          query: `site=${open.site.websiteConfigId}&next=https://evil.example/`,
          headers: { ...urlencoded.headers, referer: "https://evil.example/" }
        })
        assert.deepInclude(
          { status: answer.status, location: answer.headers.get("location") },
          { status: 200, location: null }
        )
        assert.notInclude(answer.text, "evil")
      })
    )

    it.effect("only the form's own origin may frame a page", () =>
      Effect.gen(function* () {
        const { form } = yield* withSite()
        for (const [origin, ancestors] of [
          [undefined, "'none'"],
          ["null", "'none'"],
          ["https://a;b", "'none'"],
          ["https://a,b", "'none'"],
          [own, own]
        ] as const) {
          const headers = { ...urlencoded.headers, ...(origin === undefined ? {} : { origin }) }
          for (const [query, status] of [
            [undefined, 200],
            ["site=1", 422]
          ] as const) {
            const answer = yield* form("a=1", { headers, ...(query === undefined ? {} : { query }) })
            assert.strictEqual(answer.status, status)
            const policy = answer.headers.get("content-security-policy") ?? ""
            assert.isTrue(policy.endsWith(`; frame-ancestors ${ancestors}`), policy)
          }
        }
      })
    )

    it.effect("an error is a page that says what to do, with everything escaped", () =>
      Effect.gen(function* () {
        const { form, site, stored } = yield* withSite([own])
        const many = Array.from({ length: 51 }, (_, index) => `f${index}=1`).join("&")
        const headers = { ...urlencoded.headers, origin: own }
        const faults: ReadonlyArray<
          readonly [number, RegExp, Effect.Effect<{ status: number; headers: Headers; text: string }>]
        > = [
          [422, ownersFault(/body.form_data: Dictionary should have at most 50 items/), form(many, { headers })],
          [422, /<li><strong>email<\/strong> .*NUL/, form("email=a%00b", { headers })],
          [422, ownersFault(/valid UUID/), form("a=1", { headers, query: "site=%3Cscript%3E" })],
          [422, ownersFault(/names no website: .*site=&lt;website_config_id&gt;/), form("a=1", { headers, query: "" })],
          [
            404,
            ownersFault(/No published website/),
            form("a=1", { headers, query: "site=72771e6a-6f5e-4de4-a5b9-1266c4197811" })
          ],
          [403, ownersFault(/origin/), form("a=1", { headers: { ...headers, origin: "https://evil.example" } })],
          [
            422,
            /<li><strong>&lt;i&gt;<\/strong> <span>files are not taken/,
            form(multipart([["<i>", new File(["x"], "a.txt")]]), { headers: { origin: own } })
          ],
          [
            422,
            ownersFault(/cannot be read/),
            form("--x\r\nnonsense", { headers: { origin: own, "content-type": "multipart/form-data; boundary=x" } })
          ],
          [
            422,
            ownersFault(/cannot be read/),
            form("x", { headers: { origin: own, "content-type": "multipart/form-data" } })
          ],
          [413, /<p>It is too long\. /, form(`a=${"b".repeat(256 * 1024)}`, { headers })]
        ]
        for (const [status, sentence, sent] of faults) {
          const answer = yield* sent
          assert.strictEqual(answer.status, status, answer.text)
          assert.match(answer.headers.get("content-type") ?? "", /^text\/html/)
          assert.match(answer.headers.get("content-security-policy") ?? "", /^default-src 'none'/)
          assert.strictEqual(answer.headers.get("access-control-allow-origin"), "*")
          assert.match(answer.text, sentence)
          assert.notMatch(answer.text, /<script|<i>/)
          assert.isNotNull(decisionOf(answer))
        }
        // Fifty fields are allowed, and reserved fields do not count.
        const fifty = `${many.replace("f50=1", "hydracore_ms=9000")}&hydracore_hp=`
        assert.strictEqual((yield* form(fifty, { headers: { ...headers, referer: `${own}/` } })).status, 200)
        assert.lengthOf(yield* stored, 1)
        const json = yield* form(many, { headers: { ...headers, accept: "application/json" } })
        assert.strictEqual(json.status, 422)
        assert.match(json.text, /^\{"detail":\[/)
        assert.strictEqual(site.origins.length, 1)
      })
    )
  })

  describe("the quarantine", () => {
    it.effect("an ordinary submission is accepted, even when repeated twenty times", () =>
      Effect.gen(function* () {
        const { stored, submit } = yield* withSite()
        for (let turn = 0; turn < 20; turn++) {
          const answer = yield* submit({ name: "Ada" })
          assert.deepStrictEqual([answer.status, decisionOf(answer)], [200, "counted"])
        }
        const all = yield* stored
        assert.isTrue(all.every(({ status }) => status === "accepted"))
        // Repetition is a reason that alone does not quarantine.
        assert.deepStrictEqual(all.filter(({ reasons }) => reasons.length === 0).length, 1)
      })
    )

    it.effect("spam gets the same response, and is stored with its reasons and without the honeypot", () =>
      Effect.gen(function* () {
        const { form, site, stored, submit } = yield* withSite()
        const spam = [
          submit({ name: "Ada", hydracore_hp: "http://x.example", hydracore_ms: 50 }),
          submit({ text: "https://a.example ".repeat(12) }),
          submit({ text: '<a href="http://a.example">x</a>' }, {}, { email: "x@mailinator.com" }),
          Effect.map(form("name=Ada&hydracore_hp=a", urlencoded), (answer) => ({ ...answer, json: undefined }))
        ]
        for (const sent of spam) {
          const answer = yield* sent
          assert.deepStrictEqual([answer.status, decisionOf(answer)], [200, "quarantined"])
        }
        const all = [...(yield* stored)].sort((left, right) => left.formData.length - right.formData.length)
        assert.deepStrictEqual(
          all.map(({ formData, reasons, status }) => [status, reasons, formData.slice(0, 14)]),
          [
            ["quarantined", ["honeypot", "fast"], '{"name":"Ada"}'],
            ["quarantined", ["honeypot", "repeated"], '{"name":"Ada"}'],
            ["quarantined", ["link-markup", "disposable-email"], '{"text":"<a hr'],
            ["quarantined", ["links"], '{"text":"https']
          ]
        )
        yield* assertCounts(site, { quarantined: 4 })
      })
    )

    it.effect("a submission sent again with its key is the same one, whatever its hydracore_ms", () =>
      Effect.gen(function* () {
        const { site, stored, submit } = yield* withSite()
        const headers = { "idempotency-key": "k" }
        const first = yield* submit({ name: "Ada", hydracore_ms: 9000 }, headers)
        const again = yield* submit({ name: "Ada", hydracore_ms: 19000 }, headers)
        assert.deepStrictEqual(again.json, first.json)
        assert.deepStrictEqual([first, again].map(decisionOf), ["counted", "repeated"])
        assert.deepStrictEqual(
          (yield* stored).map(({ reasons }) => reasons),
          [[]]
        )
        yield* assertCounts(site, {})
        // A quarantined one is also counted once, and stays quarantined whatever its reserved fields say.
        for (const [hydracore_hp, decision] of [
          ["x", "quarantined"],
          ["x", "repeated"],
          ["", "repeated"]
        ]) {
          const spam = yield* submit({ name: "Spam", hydracore_hp }, { "idempotency-key": "s" })
          assert.strictEqual(decisionOf(spam), decision)
        }
        assert.lengthOf(yield* stored, 2)
        yield* assertCounts(site, { quarantined: 1 })
      })
    )
  })

  describe("decisions", () => {
    it.effect("every response has a decision, and rejections are counted for their website", () =>
      Effect.gen(function* () {
        const { send } = yield* TestServer
        const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Decided", origins: [own] }))
        const view = (body: object, headers: Record<string, string> = {}) =>
          send(
            paths.track,
            { site_id: site.trackingToken, page_path: "/", ...body },
            { headers: { ...browser, ...headers } }
          )
        const submission = (body: object, headers: Record<string, string> = {}) =>
          send(paths.submit, { site_id: site.websiteConfigId, form_data: {}, ...body }, { headers })
        const plain = (body: FormData, headers: Record<string, string>) =>
          send(`${paths.submit}?site=${site.websiteConfigId}`, undefined, { body, headers })
        const sent: ReadonlyArray<readonly [string, Effect.Effect<{ readonly headers: Headers }>]> = [
          ["counted", view({})],
          ["bot", view({}, { "user-agent": "curl/8" })],
          ["bot", view({}, { "user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)" })],
          ["foreign-origin", view({}, { origin: "https://evil.example" })],
          ["invalid", view({ screen_width: "wide" })],
          ["invalid", view({ site_id: "nonsense" })],
          ["unknown-site", view({ site_id: site.websiteConfigId })],
          ["invalid", send(paths.track, "no json", { headers: browser })],
          ["counted", submission({})],
          ["foreign-origin", submission({}, { origin: "null" })],
          ["invalid", submission({ form_data: 1 })],
          ["invalid", submission({}, { "idempotency-key": "\t" })],
          ["unknown-site", submission({ site_id: site.trackingToken })],
          ["invalid", plain(new FormData(), { "content-type": "multipart/form-data" })],
          ["quarantined", submission({ form_data: { hydracore_hp: true } })]
        ]
        for (const [decision, answer] of sent) {
          const response = yield* answer
          assert.strictEqual(decisionOf(response), decision)
          assert.include(
            (response.headers.get("access-control-expose-headers") ?? "").toLowerCase(),
            "x-hydracore-decision"
          )
        }
        yield* assertCounts(site, { bot: 2, "foreign-origin": 2, invalid: 4, quarantined: 1 })
      })
    )
  })
}

for (const [name, storage] of storages) {
  layer(testServer({}, undefined, undefined, storage({})), { excludeTestServices: true })(`http: forms ${name}`, suite)
}

const urlencoded = { headers: { "content-type": "application/x-www-form-urlencoded", accept: "text/html" } }
const browser = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0" }

layer(
  testServer({
    rateLimitAnalytics: Option.some({ name: "analytics", limit: 1, windowMillis: 60_000 }),
    rateLimitForms: Option.some({ name: "forms", limit: 1, windowMillis: 60_000 })
  }),
  { excludeTestServices: true }
)("http: decisions under a limit", (it) => {
  it.effect("requests over the limit are counted for the website that they name", () =>
    Effect.gen(function* () {
      const { send } = yield* TestServer
      const { form, site, submit } = yield* withSite()
      const track = send(paths.track, { site_id: site.trackingToken, page_path: "/" }, { headers: browser })
      assert.strictEqual(decisionOf(yield* track), "counted")
      assert.strictEqual(decisionOf(yield* submit({})), "counted")
      for (const over of [yield* track, yield* submit({}), yield* form("a=1", urlencoded)]) {
        assert.deepStrictEqual([over.status, decisionOf(over)], [429, "limited"])
        assert.isAbove(Number(over.headers.get("retry-after")), 0)
      }
      yield* assertCounts(site, { limited: 3 })
      const { headers, text } = yield* form("a=1", urlencoded)
      assert.include(text, `Wait ${headers.get("retry-after")} seconds, then go back`)
    })
  )
})

const away = Layer.effect(
  SubmissionRepo,
  Effect.map(SubmissionRepo, (repo) => ({
    ...repo,
    submit: () => Effect.fail(new StorageUnavailable({ reason: "unreachable" }))
  }))
)

layer(
  testServer({}, undefined, (storage) => Layer.merge(storage, Layer.provide(away, storage))),
  { excludeTestServices: true }
)("http: plain forms while the store is unavailable", (it) => {
  it.effect("the page claims neither that the form was stored nor that it was not", () =>
    Effect.gen(function* () {
      const { form } = yield* withSite()
      const { status, text } = yield* form("a=1", urlencoded)
      assert.strictEqual(status, 503)
      assert.include(text, "<h1>We do not know whether your message has arrived</h1>")
      assert.include(text, "<p>Wait 5 seconds, then go back, and send the form again. ")
      assert.notMatch(text, /Retry-After|not sent/)
    })
  )
})

const dying = Layer.effect(
  SubmissionRepo,
  Effect.map(SubmissionRepo, (repo) => ({ ...repo, submit: () => Effect.die(new Error("secret")) }))
)

layer(
  testServer({}, undefined, (storage) => Layer.provideMerge(dying, storage)),
  { excludeTestServices: true }
)("http: forms that meet a defect", (it) => {
  for (const [way, query] of [
    ["directly", ""],
    ["through the router", "x"]
  ] as const) {
    it.effect(`a visitor sees a page, and a program JSON, ${way}`, () =>
      Effect.gen(function* () {
        const { form, site } = yield* withSite()
        const sent = new URLSearchParams({ hydracore_site: site.websiteConfigId, name: "Ada" })
        const page = yield* form(sent, { query })
        assert.deepStrictEqual([page.status, page.headers.get("content-type")], [500, "text/html; charset=utf-8"])
        assert.include(page.text, "<h1>We do not know whether your message has arrived</h1>")
        const json = yield* form(sent, { query, headers: { accept: "*/*" } })
        assert.deepStrictEqual([json.status, json.text], [500, '{"detail":"Internal Server Error"}'])
        for (const { headers, text } of [page, json]) {
          assert.match(headers.get("x-error-id") ?? "", /^[0-9a-f-]{36}$/)
          assert.isNull(headers.get("x-hydracore-decision"))
          assert.strictEqual(headers.get("access-control-allow-origin"), "*")
          assert.notInclude(text, "secret")
        }
      })
    )
  }
})
