/**
 * A process for the scenarios that send it malicious requests, with an agent that answers at once.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import * as Process from "../../test/support/Process.ts"
import * as Upstream from "../../test/support/TestUpstream.ts"
import { AttackedService } from "./AttackedService.ts"
import type * as Rows from "./Rows.ts"
import * as Store from "./Store.ts"

export const layer = (makeDatabase: Rows.Database): Layer.Layer<AttackedService> =>
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
