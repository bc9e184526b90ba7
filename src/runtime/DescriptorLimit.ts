/**
 * How many files and sockets this process may have open. Node raises the system's soft limit to the hard one when it
 * starts.
 *
 * @module
 */
import { Context } from "effect"

/** Node's types leave these out. */
interface Report {
  excludeNetwork: boolean
  readonly getReport: () => { readonly userLimits?: { readonly open_files?: { readonly soft?: unknown } } }
}

/** The limit as the system states it; `Infinity` if there is none, or if the system states none. */
const read = (): number => {
  const report = process.report as unknown as Report
  const { excludeNetwork } = report
  // Otherwise the report waits for the resolver to name every peer.
  report.excludeNetwork = true
  const soft = report.getReport().userLimits?.open_files?.soft
  report.excludeNetwork = excludeNetwork
  return typeof soft === "number" ? soft : Number.POSITIVE_INFINITY
}

/** Another value takes the place of the process's own in tests. */
export const DescriptorLimit = Context.Reference<number>("hydracore/services/DescriptorLimit", { defaultValue: read })
