/** Page views and events. */
import { browser, type Case, type Client, type Group, json, unknownId } from "../Case.ts"
import { guardedOrigin } from "../Edge.ts"

const fromBrowser = { ...json, "user-agent": browser }

/** Sends a body to an endpoint as a browser does. A text is sent unchanged. */
const sending =
  (path: string) =>
  ({ send }: Client) =>
  (body: object | string, headers: Readonly<Record<string, string>> = {}) =>
    send({
      path,
      headers: { ...fromBrowser, ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body)
    })

/** The cases of an endpoint that counts. `valid` is a minimal body without the website. */
const common = (path: string, valid: object): ReadonlyArray<Case> => {
  const to = sending(path)
  const ofShop = ({ edge }: Client) => ({ site_id: edge.shop.tracking_token, ...valid })
  return [
    ["what is required", (client) => to(client)(ofShop(client))],
    [
      "a query and extra members are ignored",
      (client) => sending(`${path}?a=1`)(client)({ ...ofShop(client), extra: 1 })
    ],
    [
      "text, as a beacon sends it",
      (client) => to(client)(ofShop(client), { "content-type": "text/plain;charset=UTF-8" })
    ],
    ["a subtype of JSON", (client) => to(client)(ofShop(client), { "content-type": "application/vnd.shop+json" })],
    [
      "no content type",
      async (client) => client.send({ path, headers: { "user-agent": browser }, body: JSON.stringify(ofShop(client)) })
    ],
    ["another media type", (client) => to(client)(ofShop(client), { "content-type": "application/xml" })],
    [
      "a form",
      (client) =>
        to(client)(`site_id=${client.edge.shop.tracking_token}`, {
          "content-type": "application/x-www-form-urlencoded"
        })
    ],
    ["malformed JSON", (client) => to(client)('{"site_id": ')],
    ["text after the JSON", (client) => to(client)("{} {}")],
    ["no body", (client) => client.send({ path, headers: fromBrowser })],
    ["an empty body", (client) => to(client)("")],
    ["a list", (client) => to(client)("[]")],
    ["null", (client) => to(client)("null")],
    ["all that is required is missing", (client) => to(client)({})],
    [
      "bytes that are not UTF-8",
      (client) => client.send({ path, headers: fromBrowser, body: Uint8Array.of(0x22, 0xff, 0x22) })
    ],
    ["an unknown website", (client) => to(client)({ ...valid, site_id: unknownId })],
    [
      "the website_config_id in place of the tracking_token",
      (client) => to(client)({ ...valid, site_id: client.edge.shop.website_config_id })
    ],
    [
      "a bot",
      (client) => to(client)(ofShop(client), { "user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)" })
    ],
    [
      "a program without a user agent",
      (client) => client.send({ path, headers: json, body: JSON.stringify(ofShop(client)) })
    ],
    [
      "another origin than the website's",
      (client) =>
        to(client)({ ...valid, site_id: client.edge.guarded.tracking_token }, { origin: "https://foreign.example" })
    ],
    [
      "the website's origin",
      (client) => to(client)({ ...valid, site_id: client.edge.guarded.tracking_token }, { origin: guardedOrigin })
    ],
    [
      "any origin of a website without origins",
      (client) => to(client)(ofShop(client), { origin: "https://any.example" })
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
            "access-control-request-headers": "content-type"
          }
        })
    ],
    ["a body over the limit", (client) => to(client)("a".repeat(256 * 1024 + 1))]
  ]
}

const track = "/v1/public/analytics/track"
const event = "/v1/public/analytics/event"

const view = ({ edge }: Client, more: object = {}) => ({
  site_id: edge.shop.tracking_token,
  page_path: "/tours",
  ...more
})
const signup = ({ edge }: Client, more: object = {}) => ({
  ...{ site_id: edge.shop.tracking_token, name: "Signup", page_path: "/tours" },
  ...more
})

export const tracking: ReadonlyArray<Group> = [
  {
    name: "track",
    cases: [
      ...common(track, { page_path: "/tours" }),
      [
        "every member",
        (client) =>
          sending(track)(client)(
            view(client, {
              device_type: "desktop",
              referrer: "https://search.example/?q=tours",
              screen_width: 1440,
              session_id: "s-1"
            })
          )
      ],
      [
        "null in place of what is optional",
        (client) =>
          sending(track)(client)(
            view(client, { device_type: null, referrer: null, screen_width: null, session_id: null })
          )
      ],
      [
        "every member is of a wrong type",
        (client) =>
          sending(track)(client)({
            ...{ site_id: 1, page_path: 2, device_type: 3, referrer: 4, screen_width: "wide", session_id: 5 }
          })
      ],
      ["a path of 2048 characters", (client) => sending(track)(client)(view(client, { page_path: "😀".repeat(2048) }))],
      ["a path of 2049 characters", (client) => sending(track)(client)(view(client, { page_path: "a".repeat(2049) }))],
      ["a referrer spammer", (client) => sending(track)(client)(view(client, { referrer: "https://semalt.com/" }))],
      [
        "over the limit",
        async (client) => {
          const request = { path: track, headers: fromBrowser, body: JSON.stringify(view(client)) }
          for (let turn = 0; turn < 99; turn++) await client.sendUnseen(request)
          for (let turn = 0; turn < 2; turn++) await client.send(request)
        }
      ]
    ]
  },
  {
    name: "view",
    cases: [
      ["a page view", (client) => sending("/v1/public/view")(client)(view(client))],
      ["an unknown website", (client) => sending("/v1/public/view")(client)({ site_id: unknownId, page_path: "/" })],
      ["an invalid body", (client) => sending("/v1/public/view")(client)({ site_id: 1 })],
      [
        "another origin than the website's",
        (client) =>
          sending("/v1/public/view")(client)(
            { site_id: client.edge.guarded.tracking_token, page_path: "/" },
            { origin: "https://foreign.example" }
          )
      ],
      ["the wrong method", (client) => client.send({ method: "PUT", path: "/v1/public/view", body: "{}" })],
      ["a body over the limit", (client) => sending("/v1/public/view")(client)("a".repeat(256 * 1024 + 1))],
      [
        "over the limit, which it shares with the other name and with events",
        async (client) => {
          const body = JSON.stringify(view(client))
          for (let turn = 0; turn < 99; turn++) await client.sendUnseen({ path: track, headers: fromBrowser, body })
          await sending(event)(client)(signup(client))
          await sending("/v1/public/view")(client)(body)
        }
      ]
    ]
  },
  {
    name: "event",
    cases: [
      ...common(event, { name: "Signup", page_path: "/tours" }),
      [
        "every member",
        (client) =>
          sending(event)(client)(
            signup(client, {
              referrer: "https://search.example/",
              screen_width: 1440,
              session_id: "s-1",
              interactive: false,
              properties: { tour: "First strokes", people: 2, paid: true },
              revenue: { currency: "EUR", amount: 150.5 }
            })
          )
      ],
      [
        "every member is of a wrong type",
        (client) =>
          sending(event)(client)({
            ...{ site_id: 1, name: 2, page_path: 3, referrer: 4, screen_width: "wide", session_id: 5 },
            ...{ interactive: "maybe", properties: [], revenue: 6 }
          })
      ],
      ["the name of page views", (client) => sending(event)(client)(signup(client, { name: "pageview" }))],
      ["a name of 121 characters", (client) => sending(event)(client)(signup(client, { name: "a".repeat(121) }))],
      [
        "values of properties that are refused",
        (client) =>
          sending(event)(client)(
            signup(client, { properties: { nested: {}, list: [1], none: null, long: "a".repeat(2001) } })
          )
      ],
      [
        "31 properties",
        (client) =>
          sending(event)(client)(
            signup(client, {
              properties: Object.fromEntries(Array.from({ length: 31 }, (_, index) => [`p${index}`, index]))
            })
          )
      ],
      [
        "an unknown currency",
        (client) => sending(event)(client)(signup(client, { revenue: { currency: "XXQ", amount: 1 } }))
      ],
      [
        "over the limit",
        async (client) => {
          const request = { path: event, headers: fromBrowser, body: JSON.stringify(signup(client)) }
          for (let turn = 0; turn < 100; turn++) await client.sendUnseen(request)
          await client.send(request)
        }
      ]
    ]
  }
]
