/**
 * Renders text in slices, so that a long answer does not block the page.
 *
 * @module
 */

/** Once this many UTF-16 units are rendered in one task, rendering continues in the next task. */
const sliceUnits = 4096

/** Renders the job's next piece. Returns the piece's length in UTF-16 units; 0 when nothing is left. */
export type Job = () => number

export interface RenderQueue {
  /** Adds a job. It starts in this call unless an earlier job is unfinished or this task's slice is used up. */
  readonly add: (job: Job) => void
  /** Drops all jobs. */
  readonly clear: () => void
}

/** Makes a queue that runs jobs in order. */
export const makeRenderQueue = (): RenderQueue => {
  let jobs: Array<Job> = []
  let left = sliceUnits
  let isScheduled = false

  const run = (): void => {
    while (left > 0 && jobs.length > 0) {
      const units = jobs[0]!()
      left -= units
      if (units === 0) jobs.shift()
    }
    if (isScheduled) return
    isScheduled = true
    setTimeout(() => {
      isScheduled = false
      left = sliceUnits
      if (jobs.length > 0) run()
    })
  }

  return {
    add: (job) => {
      jobs.push(job)
      run()
    },
    clear: () => {
      jobs = []
    }
  }
}
