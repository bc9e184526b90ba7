/** Submissions, as JSON and as HTML forms. */
import { browser, type Case, type Client, type Group, json, unknownId } from "../Case.ts"
import { guardedOrigin } from "../Edge.ts"

const path = "/v1/public/forms/submit"

type Headers = Readonly<Record<string, string>>

const submit =
  ({ send }: Client) =>
  (body: object | string, headers: Headers = {}) =>
    send({
      path,
      headers: { ...json, "user-agent": browser, ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body)
    })

const lead = ({ edge }: Client, more: object = {}) => ({
  ...{ site_id: edge.shop.website_config_id, form_data: { message: "Hello" } },
  ...more
})

const submissions: ReadonlyArray<Case> = [
  ["what is required", (client) => submit(client)(lead(client))],
  ["every member", (client) => submit(client)(lead(client, { email: "ada@shop.example", page_slug: "home" }))],
  ["null in place of what is optional", (client) => submit(client)(lead(client, { email: null, page_slug: null }))],
  ["extra members are ignored", (client) => submit(client)(lead(client, { extra: [1] }))],
  [
    "any values",
    ({ edge, ...client }) =>
      submit({ edge, ...client })(
        `{"site_id":"${edge.shop.website_config_id}","form_data":{"a":1e400,"b":[{"c":null}],"\\u0000":"\\ud800","__proto__":1,"a":2}}`
      )
  ],
  ["text, as a beacon sends it", (client) => submit(client)(lead(client), { "content-type": "text/plain" })],
  [
    "a honeypot that is filled in",
    (client) => submit(client)(lead(client, { form_data: { a: "b", hydracore_hp: "x" } }))
  ],
  [
    "every member is of a wrong type",
    (client) => submit(client)({ site_id: 1, form_data: [], email: 2, page_slug: 3 })
  ],
  ["all that is required is missing", (client) => submit(client)({})],
  ["no body", (client) => client.send({ path, headers: json })],
  ["malformed JSON", (client) => submit(client)('{"site_id"')],
  ["another media type", (client) => submit(client)("<form/>", { "content-type": "application/xml" })],
  [
    "51 fields",
    (client) =>
      submit(client)(
        lead(client, { form_data: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`f${index}`, ""])) })
      )
  ],
  [
    "a value that is nested too deeply",
    (client) =>
      submit(client)(
        `{"site_id":"${client.edge.shop.website_config_id}","form_data":{"a":${"[".repeat(101)}${"]".repeat(101)}}}`
      )
  ],
  ["NUL in the email", (client) => submit(client)(lead(client, { email: "a\u0000@shop.example" }))],
  ["an unknown website", (client) => submit(client)({ site_id: unknownId, form_data: {} })],
  [
    "the tracking_token in place of the website_config_id",
    (client) => submit(client)({ site_id: client.edge.shop.tracking_token, form_data: {} })
  ],
  [
    "another origin than the website's",
    (client) =>
      submit(client)(
        { site_id: client.edge.guarded.website_config_id, form_data: {} },
        { origin: "https://foreign.example" }
      )
  ],
  [
    "the website's origin",
    (client) =>
      submit(client)({ site_id: client.edge.guarded.website_config_id, form_data: {} }, { origin: guardedOrigin })
  ],
  ["the wrong method", (client) => client.send({ method: "GET", path })],
  [
    "a preflight",
    ({ send }) =>
      send({
        method: "OPTIONS",
        path,
        headers: {
          origin: "https://any.example",
          "access-control-request-method": "POST",
          "access-control-request-headers": "content-type,idempotency-key"
        }
      })
  ],
  ["a body over the limit", (client) => submit(client)("a".repeat(256 * 1024 + 1))],
  [
    "the same key and content twice, and then other content",
    async (client) => {
      const key = { "idempotency-key": "wire-1" }
      await submit(client)(lead(client), key)
      await submit(client)(lead(client), key)
      await submit(client)(lead(client, { form_data: { message: "Other" } }), key)
    }
  ],
  ["a key that is too long", (client) => submit(client)(lead(client), { "idempotency-key": "k".repeat(256) })],
  [
    "rules of the form that are broken",
    (client) => submit(client)(lead(client, { page_slug: "contact", form_data: { email: "nobody", people: "9" } }))
  ],
  [
    "rules of the form that are kept",
    (client) =>
      submit(client)(
        lead(client, { page_slug: "contact", form_data: { name: "Ada", email: "ada@shop.example", people: "2" } })
      )
  ],
  [
    "over the limit",
    async (client) => {
      for (let turn = 0; turn < 6; turn++) await submit(client)(lead(client))
    }
  ]
]

const ofBrowser: Headers = {
  "content-type": "application/x-www-form-urlencoded",
  accept: "text/html,application/xhtml+xml",
  "user-agent": browser
}

const form =
  ({ edge, send }: Client) =>
  (body: string | Uint8Array, options: { readonly query?: string; readonly headers?: Headers } = {}) =>
    send({
      path: `${path}?${options.query ?? `site=${edge.shop.website_config_id}`}`,
      headers: { ...ofBrowser, ...options.headers },
      body
    })

const inParts = (...parts: ReadonlyArray<string>) =>
  `${parts.map((part) => `--part\r\nContent-Disposition: form-data; ${part}\r\n`).join("")}--part--\r\n`

const multipart = { "content-type": "multipart/form-data; boundary=part" }

const guardedForm = (client: Client, fields: string, headers: Headers = {}) =>
  form(client)(fields, {
    query: `site=${client.edge.guarded.website_config_id}`,
    headers: { origin: guardedOrigin, referer: `${guardedOrigin}/contact`, ...headers }
  })

const forms: ReadonlyArray<Case> = [
  ["the page for thanks", (client) => form(client)("name=Ada&email=ada%40shop.example&topic=a&topic=b")],
  ["in parts", (client) => form(client)(inParts('name="name"\r\n\r\nAda'), { headers: multipart })],
  [
    "a file",
    (client) =>
      form(client)(inParts('name="photo"; filename="a.png"\r\nContent-Type: image/png\r\n\r\nPNG'), {
        headers: multipart
      })
  ],
  ["parts without an end", (client) => form(client)("--part\r\n", { headers: multipart })],
  ["a link back to the form's page", (client) => guardedForm(client, "name=Ada")],
  [
    "a redirect to the page that follows",
    (client) => guardedForm(client, `name=Ada&hydracore_next=${encodeURIComponent(`${guardedOrigin}/thanks`)}`)
  ],
  [
    "no redirect to another origin",
    (client) => guardedForm(client, `name=Ada&hydracore_next=${encodeURIComponent("https://foreign.example/")}`)
  ],
  [
    "another origin than the website's",
    (client) => guardedForm(client, "name=Ada", { origin: "https://foreign.example" })
  ],
  ["no website", (client) => form(client)("name=Ada", { query: "" })],
  ["no website, for a program", (client) => form(client)("name=Ada", { query: "", headers: { accept: "*/*" } })],
  ["an unknown website", (client) => form(client)("name=Ada", { query: `site=${unknownId}` })],
  [
    "rules of the form that are broken",
    (client) => form(client)("people=9", { query: `site=${client.edge.shop.website_config_id}&page=contact` })
  ],
  ["over 50 fields", (client) => form(client)(Array.from({ length: 51 }, (_, index) => `f${index}=`).join("&"))],
  ["a body over the limit", (client) => form(client)("a".repeat(256 * 1024 + 1))],
  [
    "an incomplete body",
    ({ edge, send }) =>
      send({
        path: `${path}?site=${edge.shop.website_config_id}`,
        headers: { ...ofBrowser, "content-length": "10" },
        body: "name",
        after: "cut"
      })
  ],
  [
    "over the limit",
    async (client) => {
      const request = {
        path: `${path}?site=${client.edge.shop.website_config_id}`,
        headers: ofBrowser,
        body: "name=Ada"
      }
      for (let turn = 0; turn < 5; turn++) await client.sendUnseen(request)
      await client.send(request)
    }
  ]
]

export const submissionsAndForms: ReadonlyArray<Group> = [
  { name: "submit", cases: submissions },
  { name: "plain-forms", cases: forms }
]
