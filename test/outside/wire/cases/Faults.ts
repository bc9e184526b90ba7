/** One valid request to each operation, whose responses depend on the state of the service. */
import { browser, type Case, type Client, type Group, json, tokenOf } from "../Case.ts"
import type { Request } from "../Http.ts"

type Named = readonly [name: string, request: (client: Client) => Request]

const fromBrowser = { ...json, "user-agent": browser }

const conversation = "5f0c6b1e-0a4d-4c53-8f57-2f6d3a1b9c70"

const widget = ({ edge }: Client) => `/v1/public/widget/${edge.remembering.id}`

/** The requests that ask the agent. */
const questions = (message: string): ReadonlyArray<Named> => [
  [
    "a chat",
    (client) => ({
      path: `${widget(client)}/chat`,
      headers: { ...json, ...tokenOf(client.edge.remembering) },
      body: JSON.stringify({ message })
    })
  ],
  [
    "a chat of useChat",
    (client) => ({
      path: `${widget(client)}/chat`,
      headers: { ...json, ...tokenOf(client.edge.remembering) },
      body: JSON.stringify({ id: "c", messages: [{ role: "user", parts: [{ type: "text", text: message }] }] })
    })
  ],
  [
    "a chat of OpenAI's client",
    (client) => ({
      path: `${widget(client)}/openai/v1/chat/completions`,
      headers: { ...json, authorization: `Bearer ${client.edge.remembering.token}` },
      body: JSON.stringify({ messages: [{ role: "user", content: message }] })
    })
  ],
  [
    "a run of AG-UI",
    (client) => ({
      path: `${widget(client)}/ag-ui`,
      headers: { ...json, ...tokenOf(client.edge.remembering) },
      body: JSON.stringify({ threadId: "t", runId: "r", messages: [{ id: "m", role: "user", content: message }] })
    })
  ]
]

const counted: ReadonlyArray<Named> = [
  ...["analytics/track", "view"].map(
    (name): Named => [
      name,
      ({ edge }) => ({
        path: `/v1/public/${name}`,
        headers: fromBrowser,
        body: JSON.stringify({ site_id: edge.shop.tracking_token, page_path: "/" })
      })
    ]
  ),
  [
    "an event",
    ({ edge }) => ({
      path: "/v1/public/analytics/event",
      headers: fromBrowser,
      body: JSON.stringify({ site_id: edge.shop.tracking_token, name: "Signup", page_path: "/" })
    })
  ]
]

const submitted: ReadonlyArray<Named> = [
  [
    "a submission",
    ({ edge }) => ({
      path: "/v1/public/forms/submit",
      headers: fromBrowser,
      body: JSON.stringify({ site_id: edge.shop.website_config_id, form_data: { a: 1 }, email: "ada@shop.example" })
    })
  ],
  [
    "an HTML form",
    ({ edge }) => ({
      path: `/v1/public/forms/submit?site=${edge.shop.website_config_id}`,
      headers: { "content-type": "application/x-www-form-urlencoded", accept: "text/html", "user-agent": browser },
      body: "name=Ada&email=ada%40shop.example"
    })
  ]
]

const read: ReadonlyArray<Named> = [
  ...[
    ["GET", ""],
    ["GET", "/stream"],
    ["POST", "/stop"]
  ].map(
    ([method = "", action]): Named => [
      `${method} ${action === "" ? "the conversation" : action}`,
      (client) => ({
        method,
        path: `${widget(client)}/chat/${conversation}${action}`,
        headers: tokenOf(client.edge.remembering)
      })
    ]
  ),
  [
    "POST /feedback",
    (client) => ({
      path: `${widget(client)}/chat/${conversation}/feedback`,
      headers: { ...json, ...tokenOf(client.edge.remembering) },
      body: JSON.stringify({ message_id: conversation, rating: "up" })
    })
  ],
  [
    "GET the offer of a contact",
    (client) => ({ method: "GET", path: `${widget(client)}/contact`, headers: tokenOf(client.edge.remembering) })
  ],
  ...["models", "models/assistant"].map(
    (name): Named => [
      name,
      (client) => ({
        method: "GET",
        path: `${widget(client)}/openai/v1/${name}`,
        headers: { authorization: `Bearer ${client.edge.remembering.token}` }
      })
    ]
  )
]

/** The tokens in the links of mails. */
export interface Links {
  readonly confirm: string
  readonly unsubscribe: string
}

const mailed = (links: Links): ReadonlyArray<Named> =>
  (["confirm", "unsubscribe"] as const).map(
    (page): Named => [
      `POST ${page}`,
      ({ name }) => {
        name(links[page], "token")
        return { path: `/v1/public/mail/${page}/${links[page]}` }
      }
    ]
  )

const cases = (requests: ReadonlyArray<Named>, title: string): ReadonlyArray<Case> =>
  requests.map(([name, request]) => [`${title}: ${name}`, (client) => client.send(request(client))])

/** The agent does not answer in time. */
export const silentAgent: Group = { name: "silent-agent", cases: cases(questions("be silent"), "the agent is silent") }

/** The database refuses what is submitted. */
export const refusing: Group = { name: "refused", cases: cases(submitted, "the database refuses the record") }

/** What the database holds of the website and the instance cannot be read. */
export const defect: Group = {
  name: "defect",
  cases: cases([...counted, ...submitted, ...questions("Hello"), ...read], "a defect")
}

export const withoutDatabase = (links: Links): Group => ({
  name: "without-database",
  cases: cases([...counted, ...submitted, ...questions("Hello"), ...read, ...mailed(links)], "no database")
})
