/**
 * Protection of the chat against abuse: concurrent streams, conversations of other instances, and floods of wrong tokens;
 * over a real socket on storage in memory.
 */
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer, Option, Stream } from "effect"
import { IpNetwork } from "effect/net"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import { AgentBroken, AgentRefused } from "../../src/chat/AgentStream.ts"
import type { AgentRequest } from "../../src/chat/agent/Agent.ts"
import type { Instance } from "../../src/chat/Instance.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import { paths, TestServer, layer as testServer } from "../support/TestServer.ts"
import { poll } from "../support/Wait.ts"

/** An agent that accepts, sends one word and never ends, or that fails or finishes as the message says. */
const script: ScriptedAgent.Script = ({ message }) => {
  if (message === "refuse") return Stream.fail(new AgentRefused({ reason: "test" }))
  const beginning = Stream.make({ _tag: "Accepted" } as const, { _tag: "Text", delta: "a" } as const)
  if (message === "break") return Stream.concat(beginning, Stream.fail(new AgentBroken({ reason: "test" })))
  if (message === "die") return Stream.concat(beginning, Stream.die(new Error("test")))
  if (message === "finish") return ScriptedAgent.texts(["a"])
  return Stream.concat(beginning, Stream.never)
}

const makeInstance = Effect.fnUntraced(function* (memory: Instance["memory"]) {
  const instance = yield* InstanceDirectory.use((instances) =>
    instances.create({ name: "Other", agent_url: "http://agent", memory })
  )
  const issued = yield* WidgetTokens.use((tokens) =>
    tokens.issue({ reach: "all", instanceId: instance.instance_id, label: null, expiresAt: null })
  )
  return { instanceId: instance.instance_id, token: Option.getOrThrow(issued).token }
})

const agentRequests: Array<AgentRequest> = []

for (const memory of ["agent", "edge"] as const) {
  layer(
    testServer(
      {
        chatStreams: { perAddress: Option.some(2), perInstance: Option.some(3) },
        // A visitor who leaves ends the answer.
        chatResume: Option.none(),
        trustedProxies: [IpNetwork.fromStringUnsafe("127.0.0.1/32")]
      },
      script
    ),
    { excludeTestServices: true }
  )(`http: concurrent streams, memory ${memory}`, (it) => {
    /** Opens a stream from an address. Returns the response, and a function that closes the stream. */
    const open = (
      address: string,
      instance: { readonly instanceId: string; readonly token: string },
      message = "wait"
    ) =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const leave = new AbortController()
        const response = yield* Effect.promise(() =>
          fetch(url + paths.chat(instance.instanceId), {
            method: "POST",
            signal: leave.signal,
            headers: {
              "content-type": "application/json",
              "x-widget-token": instance.token,
              "x-forwarded-for": address
            },
            body: JSON.stringify({ message })
          })
        )
        return { response, leave: () => leave.abort() }
      })
    const read = (response: Response) => Effect.promise(() => response.text())

    it.effect("an address and an instance have as many streams as allowed, and an abandoned one is freed", () =>
      Effect.gen(function* () {
        const [one, other] = [yield* makeInstance(memory), yield* makeInstance(memory)]
        const first = yield* open("198.51.100.1", one)
        yield* open("198.51.100.1", one)
        const perAddress = yield* open("198.51.100.1", other)
        assert.strictEqual(perAddress.response.status, 429)
        assert.isAbove(Number(perAddress.response.headers.get("retry-after")), 0)
        assert.match(yield* read(perAddress.response), /address/)
        yield* open("198.51.100.2", one)
        const perInstance = yield* open("198.51.100.3", one)
        assert.strictEqual(perInstance.response.status, 429)
        assert.match(yield* read(perInstance.response), /assistant/)
        // Another instance, and another address, have their own limits.
        const elsewhere = yield* open("198.51.100.3", other)
        assert.strictEqual(elsewhere.response.status, 200)
        // All addresses of a /64 count as one.
        for (const [address, status] of [
          ["2001:db8::1", 200],
          ["2001:db8::2", 200],
          ["2001:db8::3", 429]
        ] as const) {
          assert.strictEqual((yield* open(address, other)).response.status, status, address)
        }
        first.leave()
        const again = yield* poll(open("198.51.100.1", one), ({ response }) => response.status !== 429)
        assert.strictEqual(again.response.status, 200)
        assert.strictEqual((yield* open("198.51.100.1", one)).response.status, 429)
      })
    )

    it.effect("every end of a stream frees its slot: a finish, a refusal, a break, a defect", () =>
      Effect.gen(function* () {
        const instance = yield* makeInstance(memory)
        for (const message of ["finish", "refuse", "break", "die"]) {
          for (let attempt = 0; attempt < 6; attempt++) {
            // The last byte may arrive before the request has ended on the server.
            const { response } = yield* poll(
              open("198.51.100.9", instance, message),
              ({ response }) => response.status !== 429
            )
            assert.strictEqual(response.status, message === "refuse" ? 502 : 200, message)
            yield* read(response)
          }
        }
      })
    )

    it.effect("a rejected request holds no slot: a wrong token and an invalid body", () =>
      Effect.gen(function* () {
        const instance = yield* makeInstance(memory)
        const { send } = yield* TestServer
        for (let attempt = 0; attempt < 5; attempt++) {
          const wrong = { ...instance, token: `hwt_${"A".repeat(43)}` }
          assert.strictEqual((yield* open("198.51.100.10", wrong)).response.status, 401)
          const headers = { "x-widget-token": instance.token, "x-forwarded-for": "198.51.100.10" }
          assert.strictEqual((yield* send(paths.chat(instance.instanceId), { message: 1 }, { headers })).status, 422)
        }
        assert.strictEqual((yield* open("198.51.100.10", instance)).response.status, 200)
      })
    )
  })

  layer(
    testServer({}, (request) => {
      agentRequests.push(request)
      return ScriptedAgent.texts([`the secret of ${request.instance.instance_id}`])
    }),
    { excludeTestServices: true }
  )(`http: conversations, memory ${memory}`, (it) => {
    it.effect(
      "an id of another instance's conversation reaches neither its agent nor its session, and reveals nothing",
      () =>
        Effect.gen(function* () {
          const { send } = yield* TestServer
          const [one, other] = [yield* makeInstance(memory), yield* makeInstance(memory)]
          const ask = (instanceId: string, token: string, conversation_id?: string) =>
            send(paths.chat(instanceId), { message: "hi", conversation_id }, { headers: { "x-widget-token": token } })
          const first = yield* ask(one.instanceId, one.token)
          const id = /"conversation_id":"([^"]+)"/.exec(first.text)?.[1] ?? ""
          const { session } = agentRequests.at(-1)!
          assert.notInclude(session, id)

          agentRequests.length = 0
          // Another instance's token does not reach the first agent, even with the id of the conversation.
          assert.strictEqual((yield* ask(one.instanceId, other.token, id)).status, 401)
          assert.deepStrictEqual(agentRequests, [])

          // The other instance answers as for an id that no conversation has.
          const known = yield* ask(other.instanceId, other.token, id)
          const unknown = yield* ask(other.instanceId, other.token, id.replaceAll(/[0-9a-f]/g, "0"))
          assert.deepStrictEqual(
            agentRequests.map(({ instance }) => instance.instance_id),
            [other.instanceId, other.instanceId]
          )
          // Two instances of one agent share no session.
          for (const request of agentRequests) assert.notStrictEqual(request.session, session)
          const withoutIds = (text: string) => text.replaceAll(/"(?:messageId|conversation_id|id)":"[^"]*"/g, "")
          assert.strictEqual(withoutIds(known.text), withoutIds(unknown.text))
          assert.notInclude(known.text, one.instanceId)
        })
    )
  })
}

let lookups = 0

const limit = 7

layer(
  testServer({ rateLimitChat: Option.some({ name: "chat", limit, windowMillis: 60_000 }) }, undefined, (storage) =>
    Layer.effect(
      WidgetTokens,
      WidgetTokens.use((tokens) =>
        Effect.succeed(
          WidgetTokens.of({
            ...tokens,
            authenticate: (instanceId, token) => {
              lookups++
              return tokens.authenticate(instanceId, token)
            }
          })
        )
      )
    ).pipe(Layer.provideMerge(storage))
  ),
  { excludeTestServices: true }
)("http: wrong tokens", (it) => {
  describe("a flood", () => {
    it.effect("costs only the lookups of the requests within the limit", () =>
      Effect.gen(function* () {
        const { instance, send } = yield* TestServer
        const answers = yield* Effect.forEach(
          Array.from({ length: 60 }, (_, index) => `hwt_${String(index).padStart(43, "0")}`),
          (token) =>
            send(paths.chat(instance.instance_id), { message: "hi" }, { headers: { "x-widget-token": token } }),
          { concurrency: 16 }
        )
        const countOf = (status: number) => answers.filter((answer) => answer.status === status).length
        assert.deepStrictEqual([countOf(401), countOf(429)], [limit, 60 - limit])
        assert.strictEqual(lookups, limit)
      })
    )
  })
})
