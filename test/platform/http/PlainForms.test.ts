/** HTML forms without a script: what is stored, the pages, and the redirects. On either storage. */
import { assert, layer, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { decisionOf, multipart, ownOrigin, urlencoded, withSite } from "../../support/PlainForms.ts"
import { type Storage, storages } from "../../support/Storages.ts"
import { type TestServer, layer as testServer } from "../../support/TestServer.ts"

/** Matches a page that asks the visitor to tell the owner, with `detail` in small type. */
const ownersFault = (detail: RegExp): RegExp =>
  new RegExp(`<p>[^<]*Please tell the owner of the website\\.</p>\n<p><small>For the owner: [^\n]*${detail.source}`)

const suite = (it: Vitest.MethodsNonLive<TestServer | Storage>) => {
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
      for (const submission of submissions) {
        assert.strictEqual(submission.formData, expected)
        assert.deepInclude(submission, {
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
      const [submission] = yield* stored
      assert.deepStrictEqual(JSON.parse(submission?.formData ?? ""), { name: "Ada", photo: "" })
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
      const part = '--ab\r\ncontent-disposition: form-data; name="a"\r\n\r\n\r\n'
      for (const boundary of [
        "boundary=ab",
        'boundary="a\\b"',
        'x="; boundary=c"; boundary=ab',
        "boundary=ab; boundary=c"
      ]) {
        const inParts = yield* form(`${part.repeat(1001)}--ab--\r\n`, {
          headers: { "content-type": `multipart/form-data; ${boundary}` }
        })
        assert.strictEqual(inParts.status, 422, boundary)
        assert.include(inParts.text, "more than 1000 fields")
      }
      // `Response` would parse the second of two types.
      const twoTypes = yield* form(`${part.repeat(1001)}--ab--\r\n`, {
        headers: { "content-type": "multipart/form-data; boundary=c, multipart/form-data; boundary=ab" }
      })
      assert.strictEqual(twoTypes.status, 422)
      assert.include(twoTypes.text, "the form cannot be read")
    })
  )

  it.effect("a form that names its website in a field is refused with the reason", () =>
    Effect.gen(function* () {
      const { form, site } = yield* withSite()
      const field = ["hydracore_site", site.websiteConfigId] as const
      const file = ["photo", new File(["x"], "a.txt")] as const
      const many = Array.from({ length: 1000 }, () => ["a", ""] as const)
      for (const [body, reason] of [
        [multipart([field, file]), /<strong>photo<\/strong> <span>files are not accepted/],
        [multipart([field, ...many]), /more than 1000 fields/],
        [`${field.join("=")}${"&a".repeat(1000)}`, /more than 1000 fields/],
        [multipart([file]), /names no website/]
      ] as const) {
        const answer = yield* form(body, { query: "", ...(typeof body === "string" ? urlencoded : {}) })
        assert.strictEqual(answer.status, 422)
        assert.match(answer.text, reason)
      }
    })
  )

  it.effect("the visitor is redirected only to pages of the website", () =>
    Effect.gen(function* () {
      const { form, site } = yield* withSite([ownOrigin])
      const go = (next: string | undefined, referer?: string) =>
        Effect.map(
          form("a=1", {
            query: new URLSearchParams({
              site: site.websiteConfigId,
              ...(next === undefined ? {} : { next })
            }).toString(),
            headers: { ...urlencoded.headers, origin: ownOrigin, ...(referer === undefined ? {} : { referer }) }
          }),
          ({ headers, status, text }) => ({ status, location: headers.get("location"), text })
        )
      const redirectTo = (location: string) => ({ status: 303, location, text: "" })
      assert.deepStrictEqual(yield* go(`${ownOrigin}/thanks?a=b#c`), redirectTo(`${ownOrigin}/thanks?a=b#c`))
      for (const next of [
        "https://evil.example/",
        "//evil.example",
        `${ownOrigin}@evil.example`,
        "/thanks",
        "javascript:1"
      ]) {
        const answer = yield* go(next)
        assert.deepInclude(answer, { status: 200, location: null }, next)
        assert.include(answer.text, "Thank you")
      }
      // A redirect back to the form would not confirm the submission, so the thank-you page links to the form instead.
      for (const [next, referer, back] of [
        [undefined, `${ownOrigin}/form?a=1&b="`, `${ownOrigin}/form?a=1&amp;b=%22`],
        ["https://evil.example/", `${ownOrigin}/form`, `${ownOrigin}/form`],
        [undefined, `${ownOrigin}/`, `${ownOrigin}/`],
        [undefined, undefined, `${ownOrigin}/`],
        [undefined, "https://evil.example/", `${ownOrigin}/`]
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
        [ownOrigin, ownOrigin]
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
      const { form, site, stored } = yield* withSite([ownOrigin])
      const many = Array.from({ length: 51 }, (_, index) => `f${index}=1`).join("&")
      const headers = { ...urlencoded.headers, origin: ownOrigin }
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
          /<li><strong>&lt;i&gt;<\/strong> <span>files are not accepted/,
          form(multipart([["<i>", new File(["x"], "a.txt")]]), { headers: { origin: ownOrigin } })
        ],
        [
          422,
          ownersFault(/cannot be read/),
          form("--x\r\nnonsense", { headers: { origin: ownOrigin, "content-type": "multipart/form-data; boundary=x" } })
        ],
        [
          422,
          ownersFault(/cannot be read/),
          form("x", { headers: { origin: ownOrigin, "content-type": "multipart/form-data" } })
        ],
        [413, /<p>It is too long\. /, form(`a=${"b".repeat(256 * 1024)}`, { headers })]
      ]
      for (const [status, sentence, request] of faults) {
        const answer = yield* request
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
      assert.strictEqual((yield* form(fifty, { headers: { ...headers, referer: `${ownOrigin}/` } })).status, 200)
      assert.lengthOf(yield* stored, 1)
      const json = yield* form(many, { headers: { ...headers, accept: "application/json" } })
      assert.strictEqual(json.status, 422)
      assert.match(json.text, /^\{"detail":\[/)
      assert.strictEqual(site.origins.length, 1)
    })
  )
}

for (const [name, storage] of storages) {
  layer(testServer({}, undefined, undefined, storage({})), { excludeTestServices: true })(
    `http: plain forms ${name}`,
    suite
  )
}
