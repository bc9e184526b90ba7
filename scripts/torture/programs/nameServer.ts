/**
 * Run before the service's program (`--import`), it lets resolvers ask the name server in `TORTURE_NAME_SERVER`, instead of those
 * of `/etc/resolv.conf`.
 *
 * @module
 */
import { Resolver } from "node:dns/promises"

const server = process.env["TORTURE_NAME_SERVER"]
if (server === undefined) throw new Error("TORTURE_NAME_SERVER is not set")

const { resolve4, resolve6 } = Resolver.prototype

const withServer = (resolve: (this: Resolver, host: string) => Promise<Array<string>>) =>
  function (this: Resolver, host: string) {
    this.setServers([server])
    return resolve.call(this, host)
  }

Object.assign(Resolver.prototype, { resolve4: withServer(resolve4), resolve6: withServer(resolve6) })
