import { assert, describe, it } from "@effect/vitest"
import * as Demo from "../../../src/cli/support/RunDemo.ts"

const demo = (base_url: string) => ({
  base_url,
  website_config_id: "w",
  tracking_token: "t",
  instance_id: "i",
  widget_token: "hwt_x",
  owner_key: "hok_x"
})

const facts = {
  ownerApi: true,
  console: true,
  owner: null,
  database: "postgresql://postgres@%2Ftmp/postgres",
  file: ".hydracore/demo.json",
  dataDir: ".hydracore",
  unused: []
}

describe("cli/commands/Demo.welcome", () => {
  it("quotes addresses with brackets, which shells expand", () => {
    for (const base of ["http://[::1]:8080", "http://127.0.0.1:8080"]) {
      const commands = Demo.welcome(demo(base), { ...facts, listening: base })
        .split(/\n\n/)
        .filter((paragraph) => paragraph.startsWith("curl "))
      assert.lengthOf(commands, 4)
      for (const command of commands) {
        assert.match(command.replace(base, ""), /\/v1\/(public|owner)\//)
        assert.include(command, base)
        assert.notMatch(command.replace(/'[^']*'/g, ""), /[[\]?*&;]/)
      }
    }
  })

  it("names the console only where it is served", () => {
    const base = "http://127.0.0.1:8080"
    const welcome = (console: boolean) => Demo.welcome(demo(base), { ...facts, console, listening: base })
    assert.include(welcome(true), `console    ${base}/console/\n`)
    assert.notInclude(welcome(false), "/console")
  })

  it("shows the owner API only where it is served", () => {
    const base = "http://127.0.0.1:8080"
    const welcome = (ownerApi: boolean) => Demo.welcome(demo(base), { ...facts, ownerApi, listening: base })
    assert.include(welcome(true), "Bearer hok_x")
    assert.notInclude(welcome(false), "hok_x")
  })

  it("names the port of the owner API, and its console", () => {
    const base = "http://127.0.0.1:8080"
    const url = "http://127.0.0.1:9000"
    const own = { ...facts, ownerApi: false, console: false, listening: base }
    const withConsole = Demo.welcome(demo(base), { ...own, owner: { url, console: true } })
    assert.match(
      withConsole,
      /^ {2}owner API {2}http:\/\/127\.0\.0\.1:9000 .*`OWNER_PORT=9000 .* console link` prints a link/m
    )
    assert.include(withConsole, `${url}/v1/owner/query`)
    assert.notInclude(Demo.welcome(demo(base), { ...own, owner: { url, console: false } }), "console")
  })

  it("names the data folder in each command, unless it is the default one", () => {
    const listening = "http://127.0.0.1:8080"
    const owner = { url: "http://127.0.0.1:9000", console: true }
    const commands = (dataDir: string) =>
      Demo.welcome(demo(listening), { ...facts, owner, dataDir, listening, unused: ["DATABASE_URL"] }).match(
        /(?:(?:[A-Z_]+=(?:'[^']*'|\\'|[^' ])* )*)npm run -s hydracore/g
      )
    const all = (folder: string) => [
      `OWNER_PORT=9000 DATABASE_URL= ${folder}npm run -s hydracore`,
      ...Array.from({ length: 3 }, () => `DATABASE_URL= ${folder}npm run -s hydracore`)
    ]
    assert.deepStrictEqual(commands(".hydracore"), all(""))
    assert.deepStrictEqual(commands("/srv/demo-2"), all("HYDRACORE_DATA_DIR=/srv/demo-2 "))
    assert.deepStrictEqual(commands("Ada's demo"), all("HYDRACORE_DATA_DIR='Ada'\\''s demo' "))
  })
})
