import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ConnectionTable from "../../../src/core/limits/ConnectionTable.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** One of three clients or a proxy connects, or a connection changes. */
const Step = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("Add"), client: between(0, 3) }),
  Schema.Struct({ _tag: Schema.Literals(["Busy", "Idle", "Remove"]), which: between(0, 40) })
])

interface Model {
  readonly id: number
  readonly client: string | undefined
  readonly entry: ConnectionTable.Entry<number>
  idleSince: number | undefined
}

/** The longest idle connection. */
const oldest = (connections: ReadonlyArray<Model>): Model | undefined =>
  connections
    .filter(({ idleSince }) => idleSince !== undefined)
    .sort((a, b) => a.idleSince! - b.idleSince! || a.id - b.id)[0]

describe("core/limits/ConnectionTable", () => {
  it.prop(
    "at a bound, a new connection replaces the longest idle one, and is refused if none is idle",
    [Schema.Array(Step).check(Schema.isMaxLength(80)), between(1, 4), between(1, 8)],
    ([steps, perClient, total]) => {
      const table = ConnectionTable.make<number>({ perClient, total })
      let open: ReadonlyArray<Model> = []
      const everAdded: Array<Model> = []
      let now = 0
      for (const step of steps) {
        now++
        if (step._tag === "Add") {
          const client = step.client === 3 ? undefined : `client ${step.client}`
          const ofClient = open.filter((each) => client !== undefined && each.client === client)
          const bound = ofClient.length >= perClient ? "perClient" : open.length >= total ? "total" : undefined
          const longestIdle =
            bound === "perClient"
              ? oldest(ofClient)
              : (oldest(open.filter((each) => each.client !== undefined)) ?? oldest(open))
          const outcome = table.add(now, client, now)
          if (bound === undefined) {
            assert.strictEqual(outcome._tag, "Kept")
          } else if (longestIdle === undefined) {
            assert.deepStrictEqual(outcome, { _tag: "Refused", bound })
          } else {
            assert.strictEqual(outcome._tag, "Replaced")
            if (outcome._tag === "Replaced")
              assert.deepStrictEqual([outcome.bound, outcome.closed], [bound, longestIdle.id])
            open = open.filter((each) => each !== longestIdle)
          }
          if (outcome._tag !== "Refused") {
            const added = { id: now, client, entry: outcome.entry, idleSince: now }
            open = [...open, added]
            everAdded.push(added)
          }
        } else {
          // Closed connections are included, because events of a socket may arrive after it was closed.
          const connection = everAdded[step.which]
          if (connection !== undefined) {
            if (step._tag === "Busy") table.markBusy(connection.entry)
            else if (step._tag === "Idle") table.markIdle(connection.entry, now)
            else table.remove(connection.entry)
            connection.idleSince = step._tag === "Idle" ? now : undefined
            if (step._tag === "Remove") open = open.filter((other) => other !== connection)
          }
        }
        const clients = new Set(open.flatMap(({ client }) => (client === undefined ? [] : [client])))
        assert.deepStrictEqual([table.size(), table.clients()], [open.length, clients.size])
        for (const limit of [now - 5, now]) {
          assert.sameMembers(
            table.idleUntil(limit).map(({ value }) => value),
            open.filter(({ idleSince }) => idleSince !== undefined && idleSince <= limit).map(({ id }) => id)
          )
        }
      }
    }
  )

  it.prop(
    "the total leaves a second descriptor for each connection, and descriptors for the database",
    [between(1, 1_000_000), between(0, 1_000)],
    ([descriptors, database]) => {
      const total = ConnectionTable.totalOf(descriptors, database)
      assert.isAtLeast(total, 1)
      if (total > 1) assert.isAtMost(2 * total + database + 64, descriptors)
    }
  )

  it.prop(
    "the workers' shares are the smallest equal shares that add up to at least the bound",
    [between(1, 1_000), between(1, 64)],
    ([bound, n]) => {
      const share = ConnectionTable.perWorker(bound, n)
      assert.isAtLeast(share * n, bound)
      assert.isBelow((share - 1) * n, bound)
    }
  )
})
