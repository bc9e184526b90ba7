import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { build } from "esbuild"
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

describe("cli/Main", () => {
  it("a command starts without the servers, the demo and the HTTP client, which only some commands need", async () => {
    const { metafile } = await build({
      absWorkingDir: path.resolve(import.meta.dirname, "../.."),
      entryPoints: ["src/cli/Main.ts"],
      bundle: true,
      format: "esm",
      platform: "node",
      packages: "external",
      metafile: true,
      write: false
    })
    const loaded = new Set<string>(["src/cli/Main.ts"])
    for (const file of loaded) {
      for (const { kind, path: imported } of metafile.inputs[file]?.imports ?? [])
        if (kind === "import-statement") loaded.add(imported)
    }
    for (const name of ["Server.ts", "OwnerServer.ts", "DemoSite.ts", "OutwardConnector.ts"]) {
      const [file = "no such file"] = Object.keys(metafile.inputs).filter((input) => path.basename(input) === name)
      assert.property(metafile.inputs, file, name)
      assert.isFalse(loaded.has(file), file)
    }
  })
})
