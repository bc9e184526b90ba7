import { assert, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Scope } from "effect"
import * as ConnectionDispatcher from "../../src/cluster/ConnectionDispatcher.ts"

const open = (port: number) => ConnectionDispatcher.open({ host: "127.0.0.1", port }, Context.empty())

it.live("cluster/ConnectionDispatcher: a dispatcher whose start is interrupted does not keep its port", () =>
  Effect.gen(function* () {
    const { address } = yield* Effect.scoped(open(0))
    const scope = yield* Scope.make()
    const starting = yield* Effect.forkChild(Scope.provide(open(address.port), scope), { startImmediately: true })
    yield* Fiber.interrupt(starting)
    yield* Scope.close(scope, Exit.void)
    const again = yield* Effect.scoped(open(address.port))
    assert.strictEqual(again.address.port, address.port)
  })
)
