/**
 * The event loop of this process, for what must not fall between two looks at the sockets. Like a clock it is there by
 * itself: there is one, and no layer of it.
 *
 * @module
 */

/** In milliseconds: if the event loop looked at the sockets no longer ago than this, next to nothing has come since. */
const shortTurn = 0.2

/** For how many milliseconds a short turn is waited for: on a machine that is busy enough there is none. */
const patience = 1_000

/**
 * Calls back right after a look at all sockets, and before anything else: at the end of a turn of the event loop that
 * was short and in which `count` did not grow. A turn takes in one new connection, so there may be many before it. The
 * last one begins with the process waking up, since the system then lets it run for a while before others.
 */
export const afterQuietPoll = (count: () => number, act: () => void): void => {
  const begun = performance.now()
  const turn = () => {
    const [counted, woken] = [count(), performance.now()]
    // Between a timer and what is called here the event loop looks at the sockets.
    setImmediate(() => {
      const now = performance.now()
      if ((count() === counted && now - woken < shortTurn) || now - begun > patience) act()
      else setTimeout(turn, 1)
    })
  }
  setTimeout(turn, 1)
}
