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
 * Calls `callback` right after the event loop polled all sockets: at the end of the first turn that is short and in which `count`
 * does not grow. After `maxWait`, any turn will do. A turn accepts only one connection, so many turns may pass first. Each turn
 * begins with a timer, because the system rarely preempts a process that just woke up, and so the turn is rarely interrupted.
 */
export const afterQuietPoll = (count: () => number, callback: () => void): void => {
  const startedAt = performance.now()
  const turn = () => {
    const [before, wokenAt] = [count(), performance.now()]
    // The event loop polls the sockets between the timer and this callback.
    setImmediate(() => {
      const now = performance.now()
      if ((count() === before && now - wokenAt < shortTurn) || now - startedAt > maxWait) callback()
      else setTimeout(turn, 1)
    })
  }
  setTimeout(turn, 1)
}
