import { Effect } from "effect"
import * as Cluster from "./Cluster.ts"
import * as Load from "./Load.ts"
import * as Process from "./Process.ts"
import * as Store from "./Store.ts"
import * as Nginx from "./Nginx.ts"
import { pause, until } from "./Wait.ts"

const t0 = performance.now()
const log = (...a: unknown[]) => console.log(`${(performance.now() - t0).toFixed(0)}`, ...a)
const brief = (a: any) => ({ ...a, lost: a.lost.length, doubled: a.doubled.length, unexplained: a.unexplained.length })
Effect.gen(function* () {
  const cluster = yield* Cluster.make()
  const target = yield* Store.prepare(cluster.url)
  const ports = [yield* Nginx.freePort, yield* Nginx.freePort]
  const env = (i: number) => ({ DATABASE_URL: cluster.url, PORT: String(ports[i]) })
  const services = [yield* Process.start("serve", env(0)), yield* Process.start("serve", env(1))]
  const nginx = yield* Nginx.start(ports)
  const load = yield* Load.start({ url: () => nginx.url, target, clients: 24 })
  yield* until("load", () => load.acknowledged() > 500)
  for (let round = 0; round < 10; round++) {
    for (const i of [0, 1]) {
      const a = performance.now()
      yield* services[i]!.signal("SIGTERM")
      const e = yield* services[i]!.ended
      const took = performance.now() - a
      services[i] = yield* Process.start("serve", env(i))
      const n = load.acknowledged()
      yield* until("load", () => load.acknowledged() > n + 300)
      yield* pause(1200)
      log(round, i, e.code, took.toFixed(0), load.faults)
    }
  }
  yield* load.stop
  log(brief(yield* Store.account(cluster, load)), load.faults)
  log(nginx.errors().slice(0, 3000))
}).pipe(Effect.scoped, Effect.runPromise)
