/** nginx with the configuration blocks of the guides. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { get } from "node:https"
import { tmpdir } from "node:os"
import path from "node:path"
import { Effect } from "effect"
import * as Nginx from "../../scripts/torture/Nginx.ts"
import * as Ports from "../support/Ports.ts"
import * as Documents from "./Documents.ts"
import { operator } from "./OperatorUnit.ts"
import * as Shell from "./Shell.ts"

export const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(path.join(tmpdir(), "hydracore-docs-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const certificates = path.join(Documents.root, "test/cli/fixtures/certificates")

/** The certificate that signed nginx's. */
export const certificateAuthority = path.join(certificates, "root.crt")

/** A whole configuration around blocks of the guides: a block without a server gets one. */
export const nginxConfig = (folder: string, blocks: ReadonlyArray<string>): string => `
daemon off;
pid ${folder}/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  ${Nginx.temporaryPaths(folder)}
  ${blocks.map((block) => (block.includes("server {") ? block : `server { listen unix:${folder}/socket; ${block} }`)).join("\n")}
}
`

/** What a test replaces in the guides' blocks: the certificate, the ports and the service. */
export const nginxReplacements = (upstream: string, secure: number, plain: number) => ({
  "/etc/letsencrypt/live/edge.example/fullchain.pem": path.join(certificates, "here.crt"),
  "/etc/letsencrypt/live/edge.example/privkey.pem": path.join(certificates, "leaf.key"),
  "127.0.0.1:8080": upstream,
  "listen 443": `listen 127.0.0.1:${secure}`,
  "listen 80;": `listen 127.0.0.1:${plain};`,
  // An IP address, because nginx looks names up when it reads its configuration, and this name does not exist.
  "https://edge.example/": "https://127.0.0.1/"
})

/** Starts nginx with the nginx block of the operator's guide; returns its port for TLS. */
export const startNginx = Effect.fnUntraced(function* (upstream: string) {
  const folder = yield* temporary
  const [secure, plain] = [yield* Ports.free, yield* Ports.free]
  const block = Shell.replace(Documents.onlyBlock(operator, "nginx"), nginxReplacements(upstream, secure, plain))
  const file = path.join(folder, "nginx.conf")
  writeFileSync(file, nginxConfig(folder, [block]))
  yield* Effect.acquireRelease(
    Effect.sync(() => spawn(Nginx.executable ?? "nginx", ["-p", folder, "-c", file], { stdio: "ignore" })),
    (child) =>
      Effect.promise(async () => {
        if (child.exitCode !== null) return
        const gone = once(child, "exit")
        child.kill("SIGTERM")
        await gone
      })
  )
  return secure
})

/** GET over TLS, without a check of the certificate; undefined while nothing listens. */
export const secureGet = (port: number, url: string) =>
  new Promise<{ readonly status: number | undefined; readonly body: string } | undefined>((resolve) => {
    get({ host: "127.0.0.1", port, path: url, rejectUnauthorized: false, agent: false }, async (response) => {
      let body = ""
      for await (const part of response.setEncoding("utf8")) body += part
      resolve({ status: response.statusCode, body })
    }).on("error", () => resolve(undefined))
  })
