/**
 * The most recent records of hosted websites, in the memory of this process.
 *
 * @module
 */

export interface Recent<Row> {
  /** Adds a record, and drops the oldest beyond the capacity. False if the record's website was erased. */
  readonly add: (row: Row) => boolean
  /** Removes the records of a hosted website and returns them. Later records of this website are not added. */
  readonly erase: (hostedWebsiteId: string) => ReadonlyArray<Row>
  /** In no particular order. */
  readonly all: () => ReadonlyArray<Row>
}

export const make = <Row extends { readonly hostedWebsiteId: string }>(capacity: number): Recent<Row> => {
  let ring: Array<Row> = []
  let next = 0
  const erased = new Set<string>()
  return {
    add: (row) => {
      if (erased.has(row.hostedWebsiteId)) return false
      ring[next] = row
      next = (next + 1) % capacity
      return true
    },
    erase: (hostedWebsiteId) => {
      erased.add(hostedWebsiteId)
      const isOf = (row: Row) => row.hostedWebsiteId === hostedWebsiteId
      const all = ring.length < capacity ? ring : [...ring.slice(next), ...ring.slice(0, next)]
      ring = all.filter((row) => !isOf(row))
      next = ring.length % capacity
      return all.filter(isOf)
    },
    all: () => ring
  }
}
