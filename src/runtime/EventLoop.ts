/**
 * Waits for quiet turns of the event loop. It is not a service, since a process has one event loop.
 *
 * @module
 */

/** In milliseconds. After a turn this short, hardly anything has arrived since the event loop polled the sockets. */
const shortTurn = 0.2

/** In milliseconds. A busy machine may have no short turn. */
const maxWait = 1_000

/**
 * Runs `act` right after a poll of all sockets: at the end of a turn of the event loop that was short and in which `count`
 * did not grow, or after `maxWait`. Each turn accepts one connection, so many turns may pass. A timer begins each turn,
 * because the system rarely preempts a process that just woke up.
 */
export const afterQuietPoll = (count: () => number, act: () => void): void => {
  const startedAt = performance.now()
  const turn = () => {
    const [before, wokenAt] = [count(), performance.now()]
    // The event loop polls the sockets between the timer and this callback.
    setImmediate(() => {
      const now = performance.now()
      if ((count() === before && now - wokenAt < shortTurn) || now - startedAt > maxWait) act()
      else setTimeout(turn, 1)
    })
  }
  setTimeout(turn, 1)
}
