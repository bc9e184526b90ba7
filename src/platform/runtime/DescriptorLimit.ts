/**
 * The number of files and sockets that this process may have open. Node raises the soft limit to the hard limit on start.
 *
 * @module
 */
import { Context } from "effect"

/** Members that are missing in Node's types. */
interface Report {
  excludeNetwork: boolean
  readonly getReport: () => { readonly userLimits?: { readonly open_files?: { readonly soft?: unknown } } }
}

/** `Infinity` if there is no limit, or if the system reports none. */
const read = (): number => {
  const report = process.report as unknown as Report
  const { excludeNetwork } = report
  // With the network, the report would wait for a reverse DNS lookup of every peer.
  report.excludeNetwork = true
  const soft = report.getReport().userLimits?.open_files?.soft
  report.excludeNetwork = excludeNetwork
  return typeof soft === "number" ? soft : Number.POSITIVE_INFINITY
}

/** Tests provide other values. */
export const DescriptorLimit = Context.Reference<number>("hydracore/platform/runtime/DescriptorLimit", {
  defaultValue: read
})
