import { assert, describe, it } from "@effect/vitest"
import * as Demo from "../../src/cli/Demo.ts"

const demo = (base_url: string) => ({
  base_url,
  website_config_id: "w",
  tracking_token: "t",
  instance_id: "i",
  widget_token: "hwt_x"
})

const facts = { database: "postgresql://postgres@%2Ftmp/postgres", file: ".hydracore/demo.json", unused: [] }

describe("cli/Demo.welcome", () => {
  it("quotes addresses with brackets, which shells expand", () => {
    for (const base of ["http://[::1]:8080", "http://127.0.0.1:8080"]) {
      const commands = Demo.welcome(demo(base), { ...facts, listening: base })
        .split(/\n\n/)
        .filter((paragraph) => paragraph.startsWith("curl "))
      assert.lengthOf(commands, 3)
      for (const command of commands) {
        assert.include(command, `${base}/v1/public/`)
        assert.notMatch(command.replace(/'[^']*'/g, ""), /[[\]?*&;]/)
      }
    }
  })
})
