/**
 * What is looked at, and the requests that it takes.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { isDeepStrictEqual } from "node:util"
import {
  type Answer,
  comparable,
  expect,
  faults,
  foreignAssets,
  header,
  isRecord,
  limit,
  origin,
  parseJson,
  readable,
  readChat,
  sentence,
  shorten,
  statuses,
  submissionId,
  Unexpected
} from "./read.ts"

/** The service, and the demo website and instance that it has. */
export interface Target {
  readonly base_url: string
  readonly website_config_id: string
  readonly tracking_token: string
  readonly instance_id: string
  readonly widget_token: string
}

/** A browser's name, so that the page views count: those of a program are taken for a robot's. */
const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"

interface Request {
  readonly method?: "GET" | "POST" | "OPTIONS"
  readonly headers?: Readonly<Record<string, string>>
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown
}

/** Makes the function that sends a request and reads the whole answer, which must have the status. */
const client =
  (target: Target, seen: (answer: Answer) => void) =>
  async (path: string, statuses: number | ReadonlyArray<number>, request: Request = {}): Promise<Answer> => {
    const { body, headers = {}, method = body === undefined ? "GET" : "POST" } = request
    const what = `${method} ${path}`
    const answer: Answer = await fetch(target.base_url + path, {
      method,
      headers: {
        origin,
        "user-agent": browser,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers
      },
      signal: AbortSignal.timeout(60_000),
      redirect: "manual",
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
    })
      .then(async (response) => {
        return { what, status: response.status, headers: response.headers, text: await response.text() }
      })
      .catch((error: unknown) => {
        const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
        throw new Unexpected(`${what} got no whole answer (${cause})`)
      })
    seen(answer)
    const wanted = [statuses].flat()
    if (answer.status === 429 && !wanted.includes(429)) {
      throw new Unexpected(
        `over the rate limit ${answer.headers.get("ratelimit-policy") ?? ""}: this address has used it up, which is no fault ` +
          `of the service. Run this again in ${answer.headers.get("retry-after") ?? "60"} seconds`
      )
    }
    expect(
      wanted.includes(answer.status),
      `${what} answered ${answer.status} instead of ${wanted.join(" or ")}: ${shorten(answer.text)}`
    )
    return answer
  }

const track = "/v1/public/analytics/track"
const submit = "/v1/public/forms/submit"
const chat = "/v1/public/widget/{instance_id}/chat"
const chatOf = (instanceId: string) => chat.replace("{instance_id}", instanceId)

/** A check gives what it saw, or throws `Unexpected`. */
export type Check = readonly [name: string, look: () => Promise<string>]

/** The checks, in the order in which they are made. Three of them count against the forms' five a minute. */
export const checks = (target: Target): ReadonlyArray<Check> => {
  const answers: Array<Answer> = []
  const call = client(target, (answer) => answers.push(answer))
  const get = (path: string, status: number) => call(path, status)
  const post = (path: string, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    call(path, status, { method: "POST", body, headers })
  const pageView = { site_id: target.tracking_token, page_path: "/smoke", referrer: null, screen_width: 1280 }
  const form = { site_id: target.website_config_id, form_data: { name: "Smoke", agrees: true }, page_slug: "smoke" }
  const key = { "idempotency-key": randomUUID() }
  const token = { "x-widget-token": target.widget_token }
  const wrongToken = { "x-widget-token": `hwt_${"0".repeat(43)}` }
  let firstId: string | undefined
  const afterFirst = (): string => {
    if (firstId === undefined) throw new Unexpected("not tried, since the first submission was not accepted")
    return firstId
  }

  return [
    ["the process lives", async () => (await get("/healthz", 200)).text],
    ["it is ready", async () => (await get("/readyz", 200)).text],
    [
      "the contract is OpenAPI 3.1 with three paths",
      async () => {
        const document = parseJson((await get("/openapi.json", 200)).text)
        const version = isRecord(document) ? String(document["openapi"]) : ""
        const paths = isRecord(document) && isRecord(document["paths"]) ? Object.keys(document["paths"]) : []
        expect(version.startsWith("3.1."), `openapi is ${version}`)
        expect(isDeepStrictEqual(paths.toSorted(), [track, submit, chat].toSorted()), `paths are ${paths.join(", ")}`)
        return `${version}: ${paths.join(", ")}`
      }
    ],
    [
      "the documentation loads nothing from elsewhere",
      async () => {
        const index = await get("/docs", 200)
        const links = [...index.text.matchAll(/href="(\/docs\/[a-z]+)"/g)].map((match) => match[1] ?? "")
        const pages = [index]
        for (const link of new Set(links)) pages.push(await get(link, 200))
        for (const page of pages) {
          const foreign = foreignAssets(page.text)
          expect(header(page, "content-type").startsWith("text/html"), `${page.what} is not HTML`)
          expect(foreign.length === 0, `${page.what} loads ${shorten(foreign.join(", "))}`)
        }
        expect(pages.length > 1, "/docs leads to no other page")
        return `${pages.length} pages`
      }
    ],
    [
      "a page view is stored",
      async () => {
        const answer = await post(track, 204, pageView)
        expect(answer.text === "", "the body is not empty")
        return "204, empty"
      }
    ],
    [
      "a page view may come as a beacon of text/plain",
      async () => `${(await post(track, 204, pageView, { "content-type": "text/plain;charset=UTF-8" })).status}`
    ],
    [
      "a page view of an unknown site is not found",
      async () => sentence(await post(track, 404, { ...pageView, site_id: randomUUID() }))
    ],
    [
      "a website's id is no tracking token",
      async () => sentence(await post(track, 404, { ...pageView, site_id: target.website_config_id }))
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
        const expected = afterFirst()
        const id = submissionId(await post(submit, 200, form, key))
        expect(id === expected, `it became ${id}`)
        return id
      }
    ],
    [
      "the same key with another body is refused",
      async () => {
        afterFirst()
        const found = faults(await post(submit, 422, { ...form, form_data: { name: "Somebody else" } }, key))
        expect(isDeepStrictEqual(found, ["header.idempotency-key value_error"]), `the faults are ${found.join(", ")}`)
        return found.join(", ")
      }
    ],
    [
      "the chat streams, and goes on with its conversation",
      async () => {
        const path = chatOf(target.instance_id)
        const first = readChat(await post(path, 200, { message: "Hello, what can you do?" }, token))
        const again = { message: "And now?", conversation_id: first.conversationId }
        const second = readChat(await post(path, 200, again, token))
        expect(second.conversationId === first.conversationId, "the second answer is of another conversation")
        return `${first.deltas} deltas, "${first.text.slice(0, 40)}", ${first.conversationId}`
      }
    ],
    [
      "a wrong token, none, and an unknown instance look the same",
      async () => {
        const message = { message: "Let me in" }
        const wrong = await post(chatOf(target.instance_id), 401, message, wrongToken)
        const none = await post(chatOf(target.instance_id), 401, message)
        const unknown = await post(chatOf(randomUUID()), 401, message, token)
        for (const other of [none, unknown]) {
          expect(isDeepStrictEqual(comparable(other), comparable(wrong)), `${other.text} is not ${wrong.text}`)
        }
        return sentence(wrong)
      }
    ],
    [
      "a 422 lists every fault",
      async () => {
        const expectFaults = async (path: string, body: unknown, expected: ReadonlyArray<string>) => {
          const found = faults(await post(path, 422, body))
          expect(isDeepStrictEqual(found.toSorted(), expected.toSorted()), `the faults are ${found.join(", ")}`)
          return found
        }
        const ofBody = await expectFaults(track, {}, ["body.site_id missing", "body.page_path missing"])
        await expectFaults(submit, { ...form, form_data: [] }, ["body.form_data dict_type"])
        await expectFaults(chatOf("nobody"), {}, ["path.instance_id uuid_parsing", "body.message missing"])
        const [broken] = faults(await post(track, 422, '{"site_id": '))
        expect(/^body\.\d+ json_invalid$/.test(broken ?? ""), `the fault of broken JSON is ${broken}`)
        return ofBody.join(", ")
      }
    ],
    [
      "a wrong method is told the right one",
      async () => {
        const answer = await get(track, 405)
        expect(/\bPOST\b/.test(header(answer, "allow")), `Allow is "${header(answer, "allow")}"`)
        return `Allow: ${header(answer, "allow")}; ${sentence(answer)}`
      }
    ],
    ["an unknown address is not found", async () => sentence(await get("/v1/public/nothing/here", 404))],
    [
      "a body of 300 KiB is too large",
      async () => sentence(await post(track, 413, { ...pageView, page_path: "x".repeat(300 * 1024) }))
    ],
    [
      "a preflight is allowed, for a day",
      async () => {
        const answer = await call(chatOf(target.instance_id), 204, {
          method: "OPTIONS",
          headers: {
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type,x-widget-token"
          }
        })
        const allowed = header(answer, "access-control-allow-headers").toLowerCase()
        expect(/\bPOST\b/.test(header(answer, "access-control-allow-methods")), "it does not allow POST")
        expect(
          ["content-type", "x-widget-token"].every((name) => allowed.includes(name)),
          `it allows only the headers "${allowed}"`
        )
        expect(header(answer, "access-control-max-age") === "86400", "it does not hold for 86400 seconds")
        return `${header(answer, "access-control-allow-methods")}, ${allowed}`
      }
    ],
    ["a website may read every answer, refusals too", async () => statuses(answers.map(readable))],
    [
      "every accepted request is told its limit",
      async () => {
        const accepted = answers.filter((answer) => answer.what.startsWith("POST") && answer.status < 300)
        expect(accepted.length > 0, "no request was accepted")
        return [...new Set(accepted.map((answer) => limit(answer).policy))].join(", ")
      }
    ]
  ]
}

/**
 * Submits forms until one is refused: at most as many as the published limit, and one more. Some of this minute's are used
 * up before.
 */
export const limitCheck = (target: Target): Check => [
  "more than 5 submissions a minute are refused",
  async () => {
    const call = client(target, () => {})
    const body = { site_id: target.website_config_id, form_data: { name: "Smoke, again" } }
    let remaining: number | undefined
    for (let sent = 1; sent <= 6; sent++) {
      const answer = await call(submit, [200, 429], { body })
      const { policy, remaining: left } = limit(readable(answer))
      expect(policy === '"forms";q=5;w=60', `the limit is ${policy} and not the published one`)
      if (answer.status === 429) {
        const seconds = Number(header(answer, "retry-after"))
        expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60, `Retry-After is "${seconds}"`)
        expect(left === 0, `it is refused and told that ${left} are left`)
        expect(
          (remaining ?? 0) === 0,
          `it is refused when ${remaining} were left, or somebody else sends from this address`
        )
        return `submission ${sent} of this check: 429, Retry-After: ${seconds}; ${sentence(answer)}`
      }
      remaining = left
    }
    throw new Unexpected("6 submissions in a row were accepted")
  }
]
