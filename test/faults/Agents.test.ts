import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { agents, type Expected, respond } from "../../scripts/torture/Agents.ts"
import * as InProcess from "../support/InProcessService.ts"
import { endlessly, sse } from "../support/TestUpstream.ts"
import { until } from "../support/Wait.ts"

const environment = { CHAT_MAX_BYTES: "200 KiB" }

/**
 * Short timeouts, only for the agents that stay silent, because other agents could exceed them on a busy machine. The longer one has
 * time for the beginning of an answer.
 */
const timeouts: Readonly<Record<string, string>> = {
  "stalls before it answers": "1 second",
  "stalls before its first token": "8 seconds",
  "stalls in the middle": "8 seconds"
}

const assertOutcome = (name: string, expected: Expected, status: number, text: string) => {
  assert.notInclude(text, "SECRET", `${name}: nothing from the upstream leaks`)
  if (typeof expected === "number") {
    assert.strictEqual(status, expected, name)
    assert.match(text, /^\{"detail":"[^"]+"\}$/)
    return
  }
  assert.strictEqual(status, 200, name)
  assert.isTrue(text.endsWith("data: [DONE]\n\n"), `${name}: the stream ends with its last frame`)
  assert.strictEqual(text.split("[DONE]").length, 2, `${name}: the stream has one last frame`)
  assert.strictEqual(text.includes('"type":"error"'), expected === "error", name)
}

describe.concurrent("faults: agents, through the whole service", () => {
  for (const [name, { expected }] of Object.entries(agents)) {
    it.live(`an agent that ${name} ends in ${typeof expected === "number" ? expected : `an ${expected}`}`, () =>
      Effect.gen(function* () {
        const { fibers, target, upstream, url } = yield* InProcess.start({
          environment: { ...environment, ...(timeouts[name] === undefined ? {} : { AGENT_TIMEOUT: timeouts[name] }) },
          respond
        })
        const before = fibers()
        const ask = async () => {
          const response = await fetch(`${url}/v1/public/widget/${target.instanceId}/chat`, {
            method: "POST",
            headers: { "content-type": "application/json", "x-widget-token": target.widgetToken },
            body: JSON.stringify({ message: name })
          })
          assertOutcome(name, expected, response.status, await response.text())
        }
        yield* Effect.promise(() => Promise.all(Array.from({ length: 5 }, ask)))
        yield* until(
          "the agent has no open request and the fibers have ended",
          () => upstream.open() === 0 && fibers() <= before
        )
      }).pipe(Effect.scoped)
    )
  }

  it.live("five agents that flood without sending text are read slowly, and their chats end with an error", () =>
    Effect.gen(function* () {
      const piece = 'data: {"choices":[]}\n\n'.repeat(3_000)
      const counts: Array<() => number> = []
      const { fibers, target, upstream, url } = yield* InProcess.start({
        environment: { CHAT_MAX_DURATION: "2 seconds" },
        respond: (_, response) => {
          response.writeHead(200, sse)
          counts.push(endlessly(response, piece))
        }
      })
      const before = fibers()
      const ask = async () => {
        const response = await fetch(`${url}/v1/public/widget/${target.instanceId}/chat`, {
          method: "POST",
          headers: { "content-type": "application/json", "x-widget-token": target.widgetToken },
          body: JSON.stringify({ message: "Hi" })
        })
        assertOutcome("floods", "error", response.status, await response.text())
      }
      yield* Effect.promise(() => Promise.all(Array.from({ length: 5 }, ask)))
      // Most of what the agents wrote is in the kernel's socket buffers, which hold a few megabytes each.
      const written = counts.reduce((sum, count) => sum + count() * piece.length, 0)
      assert.isBelow(written, 60 * 1024 * 1024)
      yield* until(
        "the agent has no open request and the fibers have ended",
        () => upstream.open() === 0 && fibers() <= before
      )
    }).pipe(Effect.scoped)
  )

  it.live("a correct agent's answer arrives complete, however it is split", () =>
    Effect.gen(function* () {
      const { target, url } = yield* InProcess.start({ environment, respond })
      for (const name of ["answers well", "splits UTF-8 and CRLF across packets"]) {
        const response = yield* Effect.promise(() =>
          fetch(`${url}/v1/public/widget/${target.instanceId}/chat`, {
            method: "POST",
            headers: { "content-type": "application/json", "x-widget-token": target.widgetToken },
            body: JSON.stringify({ message: name })
          })
        )
        const text = yield* Effect.promise(() => response.text())
        const answer = [...text.matchAll(/"delta":"([^"]*)"/g)].map(([, delta]) => delta).join("")
        assert.strictEqual(answer, "Grüße 🙂", name)
      }
    }).pipe(Effect.scoped)
  )
})
