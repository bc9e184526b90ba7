import { assert, describe, it } from "@effect/vitest"
import * as Program from "../../src/cli/Program.ts"

describe("cli/Program.isService", () => {
  it("only the commands serve and demo are services, not others with such a value", () => {
    for (const args of ["serve", "demo", "serve --workers 2", "--json serve", "--log-level debug serve"]) {
      assert.isTrue(Program.isService(args.split(" ")), args)
    }
    for (const args of ["", "site create --name demo", "goal create --event serve", "--log-level debug site list"]) {
      assert.isFalse(Program.isService(args.split(" ")), args)
    }
  })
})
