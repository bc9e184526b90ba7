/**
 * The checks, in their order.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { isDeepStrictEqual } from "node:util"
import { client, type Target } from "./Client.ts"
import {
  CheckFailed,
  comparable,
  detailOf,
  expect,
  fieldErrors,
  foreignAssets,
  type HttpResponse,
  header,
  isRecord,
  limitOf,
  parseJson,
  readChat,
  requireReadable,
  shorten,
  statuses,
  submissionId
} from "./ResponseReaders.ts"

const track = "/v1/public/analytics/track"
const submit = "/v1/public/forms/submit"
const chat = "/v1/public/widget/{instance_id}/chat"
const chatOf = (instanceId: string) => chat.replace("{instance_id}", instanceId)

/** A check returns a short description of what it found, or throws `CheckFailed`. */
export type Check = readonly [name: string, check: () => Promise<string>]

/** The checks in their order. Three of them send valid submissions, of which five per minute are allowed. */
export const checks = (target: Target): ReadonlyArray<Check> => {
  const responses: Array<HttpResponse> = []
  const call = client(target, (response) => responses.push(response))
  const get = (path: string, status: number) => call(path, status)
  const post = (path: string, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    call(path, status, { method: "POST", body, headers })
  const pageView = { site_id: target.tracking_token, page_path: "/smoke", referrer: null, screen_width: 1280 }
  const form = { site_id: target.website_config_id, form_data: { name: "Smoke", agrees: true }, page_slug: "smoke" }
  const key = { "idempotency-key": randomUUID() }
  const token = { "x-widget-token": target.widget_token }
  const wrongToken = { "x-widget-token": `hwt_${"0".repeat(43)}` }
  let firstId: string | undefined
  const requireFirst = (): string => {
    if (firstId === undefined) throw new CheckFailed("skipped, because the first submission was not accepted")
    return firstId
  }

  return [
    ["the process is alive", async () => (await get("/healthz", 200)).text],
    ["the service is ready", async () => (await get("/readyz", 200)).text],
    [
      "the contract is OpenAPI 3.1, and the published paths are among its paths",
      async () => {
        const document = parseJson((await get("/openapi.json", 200)).text)
        const version = isRecord(document) ? String(document["openapi"]) : ""
        const paths = isRecord(document) && isRecord(document["paths"]) ? Object.keys(document["paths"]) : []
        expect(version.startsWith("3.1."), `openapi is ${version}`)
        expect(
          [track, submit, chat].every((path) => paths.includes(path)),
          `paths are ${paths.join(", ")}`
        )
        return `${version}: ${paths.join(", ")}`
      }
    ],
    [
      "the documentation loads nothing from other hosts",
      async () => {
        const index = await get("/docs", 200)
        const links = [...index.text.matchAll(/href="(\/docs\/[a-z]+)"/g)].map((match) => match[1] ?? "")
        const pages = [index]
        for (const link of new Set(links)) pages.push(await get(link, 200))
        for (const page of pages) {
          const foreign = foreignAssets(page.text)
          expect(header(page, "content-type").startsWith("text/html"), `${page.request} is not HTML`)
          expect(foreign.length === 0, `${page.request} loads ${shorten(foreign.join(", "))}`)
        }
        expect(pages.length > 1, "/docs leads to no other page")
        return `${pages.length} pages`
      }
    ],
    [
      "a page view is stored",
      async () => {
        const response = await post(track, 204, pageView)
        expect(response.text === "", "the body is not empty")
        return "204, empty"
      }
    ],
    [
      "a page view may be sent as a text/plain beacon",
      async () => `${(await post(track, 204, pageView, { "content-type": "text/plain;charset=UTF-8" })).status}`
    ],
    [
      "a page view of an unknown site is not found",
      async () => detailOf(await post(track, 404, { ...pageView, site_id: randomUUID() }))
    ],
    [
      "a website's id is not accepted as its tracking token",
      async () => detailOf(await post(track, 404, { ...pageView, site_id: target.website_config_id }))
    ],
    [
      "a submission is received",
      async () => {
        firstId = submissionId(await post(submit, 200, form, key))
        return firstId
      }
    ],
    [
      "the same key and body give the same submission",
      async () => {
        const expected = requireFirst()
        const id = submissionId(await post(submit, 200, form, key))
        expect(id === expected, `the submission is ${id}`)
        return id
      }
    ],
    [
      "the same key with another body is refused",
      async () => {
        requireFirst()
        const found = fieldErrors(await post(submit, 422, { ...form, form_data: { name: "Someone else" } }, key))
        expect(isDeepStrictEqual(found, ["header.idempotency-key value_error"]), `the errors are ${found.join(", ")}`)
        return found.join(", ")
      }
    ],
    [
      "the chat streams and continues its conversation",
      async () => {
        const path = chatOf(target.instance_id)
        const first = readChat(await post(path, 200, { message: "Hello, what can you do?" }, token))
        const again = { message: "And now?", conversation_id: first.conversationId }
        const second = readChat(await post(path, 200, again, token))
        expect(second.conversationId === first.conversationId, "the second response belongs to another conversation")
        return `${first.deltas} deltas, "${first.text.slice(0, 40)}", ${first.conversationId}`
      }
    ],
    [
      "a wrong token, no token and an unknown instance get the same response",
      async () => {
        const message = { message: "Let me in" }
        const wrong = await post(chatOf(target.instance_id), 401, message, wrongToken)
        const none = await post(chatOf(target.instance_id), 401, message)
        const unknown = await post(chatOf(randomUUID()), 401, message, token)
        for (const other of [none, unknown]) {
          expect(isDeepStrictEqual(comparable(other), comparable(wrong)), `${other.text} differs from ${wrong.text}`)
        }
        return detailOf(wrong)
      }
    ],
    [
      "a 422 lists every error",
      async () => {
        const expectErrors = async (path: string, body: unknown, expected: ReadonlyArray<string>) => {
          const found = fieldErrors(await post(path, 422, body))
          expect(isDeepStrictEqual(found.toSorted(), expected.toSorted()), `the errors are ${found.join(", ")}`)
          return found
        }
        const ofBody = await expectErrors(track, {}, ["body.site_id missing", "body.page_path missing"])
        await expectErrors(submit, { ...form, form_data: [] }, ["body.form_data dict_type"])
        await expectErrors(chatOf("nobody"), {}, ["path.instance_id uuid_parsing", "body.message missing"])
        const [broken] = fieldErrors(await post(track, 422, '{"site_id": '))
        expect(/^body\.\d+ json_invalid$/.test(broken ?? ""), `the error of broken JSON is ${broken}`)
        return ofBody.join(", ")
      }
    ],
    [
      "a wrong method gets 405 and the allowed methods",
      async () => {
        const response = await get(track, 405)
        expect(/\bPOST\b/.test(header(response, "allow")), `Allow is "${header(response, "allow")}"`)
        return `Allow: ${header(response, "allow")}; ${detailOf(response)}`
      }
    ],
    ["an unknown path is not found", async () => detailOf(await get("/v1/public/nothing/here", 404))],
    [
      "a body of 300 KiB is too large",
      async () => detailOf(await post(track, 413, { ...pageView, page_path: "x".repeat(300 * 1024) }))
    ],
    [
      "a preflight is allowed, for a day",
      async () => {
        const response = await call(chatOf(target.instance_id), 204, {
          method: "OPTIONS",
          headers: {
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type,x-widget-token"
          }
        })
        const allowed = header(response, "access-control-allow-headers").toLowerCase()
        expect(/\bPOST\b/.test(header(response, "access-control-allow-methods")), "the response does not allow POST")
        expect(
          ["content-type", "x-widget-token"].every((name) => allowed.includes(name)),
          `the response allows only the headers "${allowed}"`
        )
        expect(header(response, "access-control-max-age") === "86400", "the response is not valid for 86400 seconds")
        return `${header(response, "access-control-allow-methods")}, ${allowed}`
      }
    ],
    ["a website may read every response, errors too", async () => statuses(responses.map(requireReadable))],
    [
      "every accepted request reports its rate limit",
      async () => {
        const accepted = responses.filter((response) => response.request.startsWith("POST") && response.status < 300)
        expect(accepted.length > 0, "no request was accepted")
        return [...new Set(accepted.map((response) => limitOf(response).policy))].join(", ")
      }
    ]
  ]
}

/**
 * Submits forms until one is refused: at most one more than the published limit. Earlier checks have used some of this
 * minute's submissions.
 */
export const limitCheck = (target: Target): Check => [
  "more than 5 submissions a minute are refused",
  async () => {
    const call = client(target, () => {})
    const body = { site_id: target.website_config_id, form_data: { name: "Smoke, again" } }
    let remaining: number | undefined
    for (let sent = 1; sent <= 6; sent++) {
      const response = await call(submit, [200, 429], { body })
      const { policy, remaining: left } = limitOf(requireReadable(response))
      expect(policy === '"forms";q=5;w=60', `the limit is ${policy} instead of the published one`)
      if (response.status === 429) {
        const seconds = Number(header(response, "retry-after"))
        expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60, `Retry-After is "${seconds}"`)
        expect(left === 0, `a submission is refused although RateLimit says that ${left} are left`)
        expect(
          (remaining ?? 0) === 0,
          `a submission is refused although ${remaining} were left; does another program send from this address?`
        )
        return `submission ${sent} of this check: 429, Retry-After: ${seconds}; ${detailOf(response)}`
      }
      remaining = left
    }
    throw new CheckFailed("6 submissions in a row were accepted")
  }
]
