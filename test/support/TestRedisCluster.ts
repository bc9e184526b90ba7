/**
 * Two test systems: a Redis Cluster of three masters, one of which has a replica; and a master with a replica and a Sentinel.
 *
 * @module
 */
import { Effect } from "effect"
import * as Ports from "./Ports.ts"
import * as TestRedis from "./TestRedis.ts"
import { until } from "./Wait.ts"

/** The number of hash slots of every Redis Cluster. */
const slotCount = 16_384

const node = Effect.gen(function* () {
  const bus = yield* Ports.free
  const redis = yield* TestRedis.makeWith({
    args: ["--cluster-enabled", "yes", "--cluster-port", `${bus}`, "--cluster-node-timeout", "1000"]
  })
  yield* redis.start
  return { ...redis, bus }
})

/** Repeats the command until a reply contains the text. */
const untilReply = (redis: TestRedis.TestRedis, command: ReadonlyArray<string>, text: string) =>
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
  yield* untilReply(replica, ["CLUSTER", "INFO"], "cluster_known_nodes:4")
  yield* replica.send("CLUSTER", "REPLICATE", `${yield* first.send("CLUSTER", "MYID")}`)
  for (const member of [...masters, replica]) yield* untilReply(member, ["CLUSTER", "INFO"], "cluster_state:ok")
  yield* untilReply(replica, ["INFO", "replication"], "master_link_status:up")
  return { masters, first, replica }
})

/** A running master, its replica, and a Sentinel that promotes the replica when the master has been down for half a second. */
export const sentinel = Effect.gen(function* () {
  const master = yield* TestRedis.started
  const replica = yield* TestRedis.makeWith({ args: ["--replicaof", "127.0.0.1", `${master.port}`] })
  yield* replica.start
  yield* untilReply(replica, ["INFO", "replication"], "master_link_status:up")
  const sentinel = yield* TestRedis.makeWith({
    sentinel: [
      `sentinel monitor edge 127.0.0.1 ${master.port} 1`,
      "sentinel down-after-milliseconds edge 500",
      "sentinel failover-timeout edge 2000",
      ""
    ].join("\n")
  })
  yield* sentinel.start
  yield* untilReply(sentinel, ["INFO", "sentinel"], "slaves=1")
  return { master, replica, sentinel }
})
