/** nginx accepts the configuration blocks of the guides. */
import { writeFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Nginx from "../../scripts/torture/Nginx.ts"
import * as Ports from "../support/Ports.ts"
import * as Documents from "./Documents.ts"
import { nginxConfig, nginxReplacements, temporary } from "./NginxBlocks.ts"
import * as Shell from "./Shell.ts"

describe("nginx", () => {
  const name = "every block passes nginx -t"
  if (Nginx.executable === undefined && process.env["CI"] !== "true") {
    it.skip(`${name} (there is no nginx; install nginx-light)`, () => {})
  } else {
    it.live(name, () =>
      Effect.gen(function* () {
        const blocks = Documents.blocks.filter(({ language }) => language === "nginx")
        assert.isAtLeast(blocks.length, 2)
        for (const { file, line, text } of blocks) {
          const folder = yield* temporary
          const values = nginxReplacements("127.0.0.1:8080", yield* Ports.free, yield* Ports.free)
          const config = path.join(folder, "nginx.conf")
          writeFileSync(config, nginxConfig(folder, [Shell.replace(text, values)]))
          const checked = yield* Shell.run(`'${Nginx.executable}' -t -p '${folder}' -c '${config}'`, {})
          assert.strictEqual(checked.code, 0, `${file}:${line}\n${checked.stderr}`)
        }
      }).pipe(Effect.scoped)
    )
  }
})
