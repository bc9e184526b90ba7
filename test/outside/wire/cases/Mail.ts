/** The links in mails. */
import { Effect } from "effect"
import { until } from "../../../support/Wait.ts"
import type { Case, Group } from "../Case.ts"
import type { Edge } from "../Edge.ts"

/** Finds the first match in a mail to a recipient. */
const found = (edge: Edge, recipient: string, pattern: RegExp) =>
  Effect.runPromise(
    until("the mail has arrived", () => {
      const mail = edge.mails.find(({ recipients }) => recipients.includes(recipient))
      return mail === undefined ? undefined : pattern.exec(mail.source.replaceAll("=\r\n", ""))?.[1]
    })
  )

/** A link of a mail to a new recipient. The owner API asks for a confirmation, which the command does not. */
export const confirmation = async (edge: Edge): Promise<string> => {
  const recipient = "confirm@shop.example"
  await edge.own("POST", `/v1/owner/sites/${edge.shop.website_config_id}/notifications`, { to: recipient })
  return found(edge, recipient, /mail\/confirm\/([\w.-]+)/)
}

/** A link of a mail to a recipient that the command added. */
export const unsubscription = async (edge: Edge): Promise<string> => {
  const recipient = "unsubscribe@shop.example"
  const added = await Effect.runPromise(
    edge.run("notify", "add", "--site", edge.shop.website_config_id, "--to", recipient)
  )
  await Effect.runPromise(edge.run("notify", "test", "--notification-id", `${added["notification_id"]}`))
  return found(edge, recipient, /mail\/unsubscribe\/([\w.-]+)/)
}

const wrongToken = (page: string): ReadonlyArray<Case> => [
  [
    `${page}: a wrong token`,
    async ({ send }) => {
      for (const method of ["GET", "POST"]) await send({ method, path: `/v1/public/mail/${page}/none` })
    }
  ],
  [`${page}: the wrong method`, ({ send }) => send({ method: "PUT", path: `/v1/public/mail/${page}/none` })]
]

export const mails: ReadonlyArray<Group> = [
  {
    name: "mail",
    cases: [
      [
        "confirm: the page with a button, the confirmation, and its repetition",
        async (client) => {
          const token = await confirmation(client.edge)
          client.name(token, "token")
          const path = `/v1/public/mail/confirm/${token}`
          for (const method of ["GET", "POST", "POST"]) await client.send({ method, path })
        }
      ],
      [
        "unsubscribe: the page with a button, one click of a mail client, and its repetition",
        async (client) => {
          const token = await unsubscription(client.edge)
          client.name(token, "token")
          const path = `/v1/public/mail/unsubscribe/${token}`
          const headers = { "content-type": "application/x-www-form-urlencoded" }
          await client.send({ method: "GET", path })
          for (let turn = 0; turn < 2; turn++) await client.send({ path, headers, body: "List-Unsubscribe=One-Click" })
        }
      ],
      ...wrongToken("confirm"),
      ...wrongToken("unsubscribe")
    ]
  }
]
