/**
 * Describes the machine without its name.
 *
 * @module
 */
import os from "node:os"

/** Such as "2 cores (AMD EPYC), 24 GiB, Linux 6.18, Node 24.21.0". */
export const describe = (): string =>
  [
    `${os.availableParallelism()} cores (${os.cpus()[0]?.model.trim() ?? "unknown"})`,
    `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    `${os.type()} ${os.release().split(".").slice(0, 2).join(".")}`,
    `Node ${process.versions.node}`
  ].join(", ")
