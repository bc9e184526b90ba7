/**
 * A Redis Cluster of three masters, one of which has a replica, and a master with a replica and a Sentinel.
 *
 * @module
 */
import { Effect } from "effect"
import * as TestRedis from "./TestRedis.ts"
import { until } from "./Wait.ts"

const slotCount = 16_384

const node = Effect.gen(function* () {
  const bus = yield* Effect.promise(TestRedis.freePort)
  const redis = yield* TestRedis.makeWith({
    args: ["--cluster-enabled", "yes", "--cluster-port", `${bus}`, "--cluster-node-timeout", "500"]
  })
  yield* redis.start
  return { ...redis, bus }
})

/** Waits until a reply to the command contains the text. */
const replies = (redis: TestRedis.TestRedis, command: ReadonlyArray<string>, text: string) =>
  until(`${command.join(" ")} replies ${text}`, () =>
    Effect.runPromise(redis.send(...command)).then((reply) => `${reply}`.includes(text))
  )

/** A running cluster. `replica` copies the first master. */
export const cluster = Effect.gen(function* () {
  const masters = [yield* node, yield* node, yield* node]
  const replica = yield* node
  const [first] = masters
  if (first === undefined) return yield* Effect.die(new Error("no master"))
  for (const [index, master] of masters.entries()) {
    yield* master.send("CLUSTER", "SET-CONFIG-EPOCH", `${index + 1}`)
    const from = Math.floor((index * slotCount) / masters.length)
    const to = Math.floor(((index + 1) * slotCount) / masters.length) - 1
    yield* master.send("CLUSTER", "ADDSLOTSRANGE", `${from}`, `${to}`)
    if (master !== first) yield* master.send("CLUSTER", "MEET", "127.0.0.1", `${first.port}`, `${first.bus}`)
  }
  yield* replica.send("CLUSTER", "MEET", "127.0.0.1", `${first.port}`, `${first.bus}`)
  yield* replies(replica, ["CLUSTER", "INFO"], "cluster_known_nodes:4")
  yield* replica.send("CLUSTER", "REPLICATE", `${yield* first.send("CLUSTER", "MYID")}`)
  for (const one of [...masters, replica]) yield* replies(one, ["CLUSTER", "INFO"], "cluster_state:ok")
  yield* replies(replica, ["INFO", "replication"], "master_link_status:up")
  return { masters, first, replica }
})

/** A running master, its replica, and a Sentinel that promotes the replica when the master has been down for half a second. */
export const sentinel = Effect.gen(function* () {
  const master = yield* TestRedis.started
  const replica = yield* TestRedis.makeWith({ args: ["--replicaof", "127.0.0.1", `${master.port}`] })
  yield* replica.start
  yield* replies(replica, ["INFO", "replication"], "master_link_status:up")
  const sentinel = yield* TestRedis.makeWith({
    sentinel: [
      `sentinel monitor edge 127.0.0.1 ${master.port} 1`,
      "sentinel down-after-milliseconds edge 500",
      "sentinel failover-timeout edge 2000",
      ""
    ].join("\n")
  })
  yield* sentinel.start
  yield* replies(sentinel, ["INFO", "sentinel"], "slaves=1")
  return { master, replica, sentinel }
})
