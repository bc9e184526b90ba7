/**
 * A service for the scenarios that send it malicious requests, with an agent that answers at once.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import * as Process from "../../test/support/Process.ts"
import * as Upstream from "../../test/support/TestUpstream.ts"
import type { Target } from "./Load.ts"
import * as Store from "./Store.ts"

export class AttackedService extends Context.Service<
  AttackedService,
  {
    /** The URL of its database. */
    readonly database: string
    readonly port: number
    readonly target: Target
  }
>()("hydracore/torture/AttackedService") {}

export const layer = (makeDatabase: Store.Database): Layer.Layer<AttackedService> =>
  Layer.effect(
    AttackedService,
    Effect.gen(function* () {
      const database = yield* makeDatabase
      const agent = yield* Upstream.start((_, response) => {
        response.writeHead(200, Upstream.sse)
        response.end(`${Upstream.says("ok")}${Upstream.finishes("stop")}`)
      })
      const target = yield* Store.prepare(database, agent.url)
      const { port } = yield* Process.start("serve", { DATABASE_URL: database })
      return AttackedService.of({ database, port, target })
    })
  )
